"""How this room says that something happened, though events stand above it.

The room of events sets itself as the recorder when it is loaded; what is said before is dropped.
"""

from typing import TYPE_CHECKING, Any, Protocol

from django.contrib.auth import get_user_model
from django.db import models

if TYPE_CHECKING:
    from config.organisation.models import User


class Recorder(Protocol):
    """The signature of `config.events.operations.record`."""

    def __call__(
        self, kind: str, subject: models.Model | None, *, actor: "User", reason: str, **data: Any
    ) -> Any: ...


_recorders: list[Recorder] = []


def recorded_by(recorder: Recorder) -> None:
    """Hand everything that is announced to the recorder."""
    if recorder not in _recorders:
        _recorders.append(recorder)


def announce(
    kind: str,
    subject: models.Model | None,
    *,
    actor: "User | None" = None,
    reason: str = "",
    **data: Any,
) -> None:
    """Say it, in the caller's transaction; nobody named means the system."""
    for record in _recorders:
        record(
            kind, subject, actor=actor or get_user_model().objects.system(), reason=reason, **data
        )
