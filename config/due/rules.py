"""When to try again: arithmetic without a database."""

import datetime
from collections.abc import Sequence
from email.utils import parsedate_to_datetime

type Delays = Sequence[float]

DELAYS: tuple[float, ...] = (5, 30, 120, 600, 600, 600, 600)
LONGEST_WAIT = 15 * 60.0


def delay_after(attempts: int, delays: Delays, *, asked: float | None = None) -> float | None:
    """Seconds until the next attempt after so many; None when there is none left.

    `asked` is what a provider's Retry-After wants: honoured, up to a quarter of an hour.
    """
    if attempts > len(delays):
        return None
    planned = delays[max(attempts, 1) - 1]
    return planned if asked is None else max(planned, min(asked, LONGEST_WAIT))


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
