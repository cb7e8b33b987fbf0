"""Where a change came from: recorded on every history row and event."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import models


class Origin(models.TextChoices):
    """The doors through which a change can enter."""

    ADMIN = "admin", "Admin"
    API = "api", "API"
    CHAT = "chat", "Chat"
    JOB = "job", "Job"
    SYSTEM = "system", "System"
    IMPORT = "import", "Import"


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
