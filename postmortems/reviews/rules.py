"""When a review is owed, and by when. Pure."""

import datetime
from collections.abc import Iterable, Mapping

from config.apikit.codes import explain

# Reminders before the due time, nearest last; each is a due row of its own.
REMINDERS = (datetime.timedelta(hours=24), datetime.timedelta(hours=4))


def is_mandatory(severity: str, mandatory: Iterable[str]) -> bool:
    """Whether an incident of the severity always gets a review (PM-01)."""
    return severity in mandatory


def due_at(
    resolved_at: datetime.datetime, severity: str, hours: Mapping[str, int]
) -> datetime.datetime:
    """Clock time from resolution, never working hours (requirements K1)."""
    return resolved_at + datetime.timedelta(hours=hours[severity])


def reminder_times(due: datetime.datetime, now: datetime.datetime) -> list[datetime.datetime]:
    """When to remind: those of the reminders that still lie ahead."""
    return [due - before for before in REMINDERS if due - before > now]


explain(
    review_missing=(
        "The obligatory review is missing",
        "Hold the review and publish it, or have compliance waive it; then close the incident.",
    ),
)
