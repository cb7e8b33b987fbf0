"""The one place where the product reads the time."""

import datetime
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

TOLERANCE = datetime.timedelta(seconds=1)
# Goes on while the machine sleeps, where there is such a clock, and is never set.
_STEADY: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_heard: tuple[datetime.datetime, float] | None = None
_simulated: ContextVar[datetime.datetime | None] = ContextVar("simulated_now", default=None)


def now() -> datetime.datetime:
    """The present instant in UTC; the simulated one inside `simulated(...)`.

    Where this machine's clock and the database's differ, the database's holds: what is due is
    decided there, and a page must come neither early nor late because one of them was set.
    """
    return _simulated.get() or _present()


def hear(at: datetime.datetime) -> datetime.timedelta:
    """The database's clock says so; processes that run for long tell this every few seconds.

    Returns how far that clock was set since it was last heard: forth, or (negative) back.
    """
    global _heard
    before, _heard = _heard, (at, time.clock_gettime(_STEADY))
    if before is None:
        return datetime.timedelta()
    passed = datetime.timedelta(seconds=_heard[1] - before[1])
    return at - before[0] - passed


def _present() -> datetime.datetime:
    wall = _wall()
    if _heard is None:
        return wall
    at, then = _heard
    reckoned = at + datetime.timedelta(seconds=time.clock_gettime(_STEADY) - then)
    return wall if abs(wall - reckoned) < TOLERANCE else reckoned


def _wall() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


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
