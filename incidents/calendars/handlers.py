"""Calendars over time."""

import datetime

from config.due.jobs import job
from incidents.calendars.operations import expand_all


@job("calendars.expand", every="daily")
def expand_calendars(as_of: datetime.datetime) -> str:
    """Take in new years, and holidays that were announced since."""
    return f"{expand_all(as_of)} rows differed"
