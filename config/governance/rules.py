"""Content of a version, its hash, the difference of two, who may do what, who approves. Pure."""

import datetime
import hashlib
import json
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from django.db.models import TextChoices

from config.access.rules import Need, Role, label_of, roles
from config.apikit.codes import explain

Row = Mapping[str, Any]

_AUTHORS = roles(Role.POLICY_AUTHOR, Role.UNIT_ADMINISTRATOR, Role.PLATFORM_ADMINISTRATOR)
_APPROVERS = roles(Role.POLICY_APPROVER)
_ACTIVATORS = roles(Role.POLICY_AUTHOR, Role.POLICY_APPROVER, Role.UNIT_ADMINISTRATOR)
VERBS: Mapping[str, Need] = {
    "draft": _AUTHORS,
    "submit": _AUTHORS,
    "name_change": _AUTHORS,
    "backtest": roles(
        Role.POLICY_AUTHOR,
        Role.POLICY_APPROVER,
        Role.UNIT_ADMINISTRATOR,
        Role.PLATFORM_ADMINISTRATOR,
    ),
    "approve": _APPROVERS,
    "send_back": _APPROVERS,
    "activate": _ACTIVATORS,
    "retire": _ACTIVATORS,
    "activate_in_emergency": roles(Role.POLICY_APPROVER, Role.DUTY_MANAGER),
    "review_emergency": _APPROVERS,
}


# Whoever works under rules, or answers for them; auditors and tools write nothing here.
UNDER_RULES = tuple(
    each for each in Role if each not in (Role.AUDITOR, Role.INTEGRATOR, Role.VENDOR_USER)
)


class Capacity(TextChoices):
    """For which side of an agreement somebody signs."""

    SERVICE_OWNER = "service_owner", "Service owner"
    BUSINESS_UNIT = "business_unit", "Business unit"
    LEGAL = "legal", "Legal"


SIGNATORIES: Mapping[str, tuple[Role, ...]] = {
    Capacity.SERVICE_OWNER: (Role.SERVICE_OWNER,),
    Capacity.BUSINESS_UNIT: (Role.UNIT_ADMINISTRATOR, Role.EXECUTIVE),
    Capacity.LEGAL: (Role.LEGAL,),
}


@dataclass(frozen=True)
class Demand:
    """How many different people must approve a version, and which roles must be among theirs."""

    people: int = 1
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Demands:
    """What the approval matrix demands, by kind of policy; `""` are the kinds without a row.

    `matrix` is the key of the version that says so; None where none is in force.
    """

    by_kind: Mapping[str, Demand] = field(default_factory=dict)
    matrix: int | None = None

    def of(self, kind: str) -> Demand:
        """For one kind; one approval where the matrix says nothing."""
        return self.by_kind.get(kind) or self.by_kind.get("") or Demand()

    @property
    def roles(self) -> frozenset[str]:
        """All that are named for any kind."""
        return frozenset(role for demand in self.by_kind.values() for role in demand.roles)


@dataclass(frozen=True)
class Lacking:
    """What a version still lacks: approvals by these roles, and so many more by anybody."""

    more: int
    roles: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.more or self.roles)

    def is_lessened_by(self, held: Collection[str]) -> bool:
        """Whether an approval by who holds these roles would bring the version forward."""
        return self.more > 0 or any(role in held for role in self.roles)

    @property
    def texts(self) -> list[str]:
        """In words, one for each."""
        found = [f"an approval by {label_of(role)}" for role in self.roles]
        if not self.more:
            return found
        return ["one more approval" if self.more == 1 else f"{self.more} more approvals", *found]


def lacking(demand: Demand, given: Iterable[Collection[str]]) -> Lacking:
    """What is left of the demand; each approval is given as the roles that its giver held.

    Whoever brings a role that is still missing counts among the people as well.
    """
    heard = list(given)
    missing = tuple(role for role in demand.roles if not any(role in held for held in heard))
    return Lacking(max(0, demand.people - len(heard) - len(missing)), missing)


@dataclass(frozen=True)
class Content:
    """What a version says: the fields of its root, and child rows that carry a `line`."""

    kind: str
    fields: Row
    parts: Mapping[str, Sequence[Row]] = field(default_factory=dict)


def plain(value: Any) -> Any:
    """A stored value as JSON can hold it, the same in every process."""
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).isoformat()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal | uuid.UUID):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return value


def moment_of(text: str) -> datetime.datetime | None:
    """A time as ISO 8601 has it, in UTC where it names no zone; None for anything else."""
    try:
        given = datetime.datetime.fromisoformat(text)
        zoned = given if given.tzinfo else given.replace(tzinfo=datetime.UTC)
        return zoned.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return None


def canonical(content: Content) -> str:
    """The content as one text: keys sorted, child rows by `line`, whatever order they came in."""
    parts = {
        name: sorted((plain(row) for row in rows), key=_by_line)
        for name, rows in content.parts.items()
    }
    whole = {"kind": content.kind, "fields": plain(content.fields), "parts": parts}
    return json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def content_hash(content: Content) -> str:
    """SHA-256 of the canonical text, in hex: what an approval names."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def _by_line(row: Row) -> str:
    return str(row["line"])


@dataclass(frozen=True)
class Change:
    """One field that differs. `part` and `line` are empty for the root."""

    what: Literal["changed", "added", "removed"]
    field: str
    old: Any
    new: Any
    part: str = ""
    line: str = ""


def diff(old: Content, new: Content) -> list[Change]:
    """Field by field, child rows matched by `line`: the root first, then the parts by name."""
    changes = _changed(old.fields, new.fields)
    for name in sorted({*old.parts, *new.parts}):
        changes += _part_changes(name, old.parts.get(name, ()), new.parts.get(name, ()))
    return changes


def _part_changes(part: str, old: Iterable[Row], new: Iterable[Row]) -> list[Change]:
    before = {_by_line(row): row for row in old}
    after = {_by_line(row): row for row in new}
    changes: list[Change] = []
    for line in sorted({*before, *after}):
        changes += _changed(before.get(line), after.get(line), part=part, line=line)
    return changes


def _changed(old: Row | None, new: Row | None, *, part: str = "", line: str = "") -> list[Change]:
    what: Literal["changed", "added", "removed"] = (
        "added" if old is None else "removed" if new is None else "changed"
    )
    before, after = plain(old or {}), plain(new or {})
    return [
        Change(what, name, before.get(name), after.get(name), part, line)
        for name in sorted({*before, *after})
        if name != "line" and before.get(name) != after.get(name)
    ]


explain(
    version_superseded=(
        "A newer version has been in force since",
        "Begin a new draft; it starts from what is in force.",
    ),
    version_began_later=("The version in force began later", "Choose a later time."),
    content_changed=(
        "The content is not the one that was read",
        "Read the version again, and approve the hash that it has now.",
    ),
    policy_locked=(
        "The enterprise keeps this policy for every unit",
        "Propose the change for the enterprise, without a unit.",
    ),
    policy_extension=(
        "A unit may add to this policy, and change nothing of the enterprise's",
        "Leave the enterprise's rows as they are, and add your own; or have theirs changed first.",
    ),
    freedom_of_unit=(
        "Only the enterprise's policy says what units may do",
        "Open the enterprise's policy of the same kind and key.",
    ),
    freedom_unchanged=(
        "Units may do exactly that already",
        "Propose something else, or nothing.",
    ),
    freedom_needed=(
        "What units may do is always said by a version",
        "Activate another version instead; it follows this one.",
    ),
    setting_unknown=("There is no such setting any more", "Retire the version."),
    setting_not_tighter=(
        "A unit's value must stay within the enterprise's",
        "Choose a value that the enterprise's allows, or have that one changed first.",
    ),
    nothing_to_replay=(
        "This kind of policy decides nothing about past records",
        "Read the changes instead; there is nothing to try them on.",
    ),
    nothing_in_force=(
        "No version is in force to compare with",
        "Activate the first version; later ones are compared with it.",
    ),
    sign_off_missing=(
        "A side of a signed agreement has not signed this content",
        "Ask that side to sign it off on the version's page; a change of the content asks anew.",
    ),
    change_reference_missing=(
        "What an agreement binds changes only by a change record",
        "Name the change record on the version's page.",
    ),
    sign_off_not_needed=("No signed agreement binds this", "Activate it without sign-offs."),
    sign_off_not_now=(
        "Only what is in review or approved is signed",
        "Submit the draft first: from then on its content is frozen.",
    ),
    sign_off_given=("That side has signed this content already", "Nothing is left to do."),
    sign_off_once=("That side has signed this content already", "Nothing is left to do."),
    sign_off_by_different_people=(
        "Each side of an agreement is signed for by somebody else",
        "Ask another person of that side.",
    ),
    approval_given=(
        "You have approved this content already",
        "Somebody else gives what is missing; the version's page names it.",
    ),
    comments_closed=(
        "The version holds already, or is over",
        "Comment on the next draft, or give feedback on the rule.",
    ),
    comment_says_something=("A comment needs a text", "Write what you have to say."),
    change_named_too_late=(
        "The version holds already, or is over",
        "Begin a new draft, and name its change record.",
    ),
    nothing_to_review=("Nothing waits for a review here", "Nothing is left to do."),
)
