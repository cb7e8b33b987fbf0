"""Refusals: what an operation raises instead of changing anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Blocker:
    """One thing that stands in the way of an operation, with the way to remove it.

    `field` names the field that is missing or wrong, where it is one.
    """

    code: str
    text: str
    link: str = ""
    field: str = ""

    def as_dict(self) -> dict[str, str]:
        """The shape in which API and admin show it."""
        return {"code": self.code, "text": self.text, "link": self.link}

    def as_error(self) -> dict[str, str]:
        """The shape in which the API names a field that is wrong."""
        return {"code": self.code, "detail": self.text, "pointer": f"#/{self.field}"}


class DomainError(Exception):
    """A refusal. `code` is stable and public; `detail` tells a person what to do.

    `audit=True` marks refusals that matter to security: the edge records them in a
    transaction of its own, after the rollback.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        field: str | None = None,
        audit: bool = False,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.public_code = code or type(self).code
        self.field = field
        self.audit = audit
        self.extra = extra


class Refused(DomainError):
    """The record is not in a state that allows this."""


class TransitionRefused(Refused):
    """The transition is not in the table; `extra['allowed']` lists the ones that are."""

    code = "transition_refused"

    def __init__(self, detail: str, *, allowed: Sequence[str]) -> None:
        super().__init__(detail, allowed=list(allowed))


class Blocked(Refused):
    """Guards refuse; `extra['blockers']` says what must be done first.

    Those about a field are in `extra['errors']` as well, as when a form is incomplete.
    """

    code = "blocked"

    def __init__(self, detail: str, *, blockers: Sequence[Blocker]) -> None:
        errors = [blocker.as_error() for blocker in blockers if blocker.field]
        named: dict[str, Any] = {"errors": errors} if errors else {}
        super().__init__(detail, blockers=[blocker.as_dict() for blocker in blockers], **named)


class FourEyes(Refused):
    """The same person may not do both halves of this."""

    code = "four_eyes"


class NotAllowed(DomainError):
    """The actor lacks the right."""

    code = "not_allowed"
    status = 403


class HumanRequired(NotAllowed):
    """Only a person can do this, never a service account."""

    code = "human_required"


class Invalid(DomainError):
    """An argument is wrong; `field` names it."""

    code = "invalid"
    status = 400


class Stale(DomainError):
    """The caller has seen an older version of the record."""

    code = "stale"
    status = 412
