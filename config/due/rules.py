"""When to try again: arithmetic without a database."""

import datetime
from collections.abc import Sequence
from email.utils import parsedate_to_datetime

type Delays = Sequence[float]

DELAYS: tuple[float, ...] = (5, 30, 120, 600, 600, 600, 600)
LONGEST_WAIT = 15 * 60.0
SHORTEST_LOOK, LONGEST_LOOK = 0.05, 1.0  # seconds
BUSY = "Somebody else is at work on its record; it is tried again within a second."
PARKED = "No code here knows "  # also what workers of earlier releases wrote: never reworded


def delay_after(attempts: int, delays: Delays, *, asked: float | None = None) -> float | None:
    """Seconds until the next attempt after so many; None when there is none left.

    `asked` is what a provider's Retry-After wants: honoured, up to a quarter of an hour.
    """
    if attempts > len(delays):
        return None
    planned = delays[max(attempts, 1) - 1]
    return planned if asked is None else max(planned, min(asked, LONGEST_WAIT))


def lock_delay(late: float) -> float:
    """Seconds until a row that is so late asks again for its lock: each wait doubles its age."""
    return min(max(late, SHORTEST_LOOK), LONGEST_LOOK)


def retry_after(header: str | None, now: datetime.datetime) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or a date (RFC 9110, 10.2.3)."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return max((moment - now).total_seconds(), 0.0)


def parked(what: str) -> str:
    """Why a row waits for code that this worker doesn't have."""
    return f"{PARKED}{what}: install it, retry."
