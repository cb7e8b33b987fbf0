"""Where a change came from: recorded on every history row and event."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db import models


class Origin(models.TextChoices):
    """The doors through which a change can enter."""

    ADMIN = "admin", "Admin"
    API = "api", "API"
    CHAT = "chat", "Chat"
    JOB = "job", "Job"
    SYSTEM = "system", "System"
    IMPORT = "import", "Import"


@dataclass(frozen=True)
class StandIn:
    """Somebody acts for somebody else, as they have said: keys of both, and the other's names."""

    delegate: int
    principal: int
    username: str
    name: str


_stand_in: ContextVar[StandIn | None] = ContextVar("stand_in", default=None)
_current: ContextVar[Origin] = ContextVar("origin", default=Origin.SYSTEM)


def current() -> Origin:
    """The origin of what is being done right now; `system` where no edge has said."""
    return _current.get()


@contextmanager
def acting(origin: Origin) -> Iterator[None]:
    """Everything inside is recorded as coming from `origin`."""
    token = _current.set(origin)
    try:
        yield
    finally:
        _current.reset(token)


def stand_in(found: StandIn) -> None:
    """From here to the end of `for_oneself` the delegate acts for the principal."""
    _stand_in.set(found)


def stand_in_of(person: int | None) -> StandIn | None:
    """For whom the person acts at this moment, if they have said so."""
    found = _stand_in.get()
    return found if found is not None and found.delegate == person else None


def said_for(reason: str, person: int | None) -> str:
    """The reason, with the one for whom the person acts."""
    found = stand_in_of(person)
    return reason if found is None else f"{reason} (for {found.name})".strip()


@contextmanager
def for_oneself() -> Iterator[None]:
    """Whatever is said inside about acting for somebody ends with it."""
    token = _stand_in.set(None)
    try:
        yield
    finally:
        _stand_in.reset(token)
