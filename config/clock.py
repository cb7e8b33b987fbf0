"""The one place where the product reads the time."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_simulated: ContextVar[datetime.datetime | None] = ContextVar("simulated_now", default=None)


def now() -> datetime.datetime:
    """The present instant in UTC; the simulated one inside `simulated(...)`."""
    return _simulated.get() or datetime.datetime.now(datetime.UTC)


def is_simulated() -> bool:
    """True while histories are being made on a simulated clock."""
    return _simulated.get() is not None


@contextmanager
def simulated(at: datetime.datetime) -> Iterator[None]:
    """Everything inside happens `at` that instant: demo histories, jobs run as of a time."""
    if at.tzinfo is None:
        raise ValueError("simulated() needs an aware datetime")
    token = _simulated.set(at.astimezone(datetime.UTC))
    try:
        yield
    finally:
        _simulated.reset(token)
