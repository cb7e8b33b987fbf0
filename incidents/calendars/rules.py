"""Operating hours: read from text, and turned into instants in a zone that changes its clock. Pure.

Hours of a day are `08:00-12:00, 13:00-18:00`; empty is closed, `00:00-24:00` is all day.
"""

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError

from config.access.rules import Level, Need, level

NEEDS: Mapping[str, Need] = {"view": level(Level.VIEW), "edit": level(Level.MANAGE)}
UNIT_NEEDS: Mapping[str, Need] = {"add_calendar": level(Level.MANAGE)}

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY = datetime.timedelta(days=1)
WHOLE_DAY = 24 * 60
# How far the next opening or closing is looked for: a region that stays shut longer has no hours.
HORIZON = 400
MOST_SPECIAL_DAYS = 400
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*(?:([01]\d|2[0-3]):([0-5]\d)|24:00)", re.ASCII)
_SPECIAL = re.compile(r"(\d{4}-\d{2}-\d{2})\s+(closed|[\d:,\s-]*\d)(?:\s+(\D.*))?", re.ASCII)

type Span = tuple[int, int]  # minutes of the local day, half-open
type Period = tuple[datetime.datetime, datetime.datetime]  # instants in UTC, half-open


@dataclass(frozen=True)
class SpecialDay:
    """A date that differs from its weekday."""

    date: datetime.date
    spans: tuple[Span, ...]
    note: str = ""


@dataclass(frozen=True)
class Plan:
    """Everything that decides whether a region works at an instant."""

    zone: ZoneInfo
    week: tuple[tuple[Span, ...], ...]
    holidays: Mapping[datetime.date, str] = field(default_factory=dict)
    special: Mapping[datetime.date, SpecialDay] = field(default_factory=dict)

    def spans_on(self, date: datetime.date) -> tuple[Span, ...]:
        """The hours of a date: its own, else none on a holiday, else those of the weekday."""
        if date in self.special:
            return self.special[date].spans
        return () if date in self.holidays else self.week[date.weekday()]

    def name_of(self, date: datetime.date) -> str:
        """What is special about the date; empty for an ordinary one."""
        if date in self.special:
            return self.special[date].note
        return self.holidays.get(date, "")


@dataclass(frozen=True)
class Status:
    """Whether it works at an instant, and until when that stays so."""

    in_hours: bool
    local: datetime.datetime
    day: str
    changes_at: datetime.datetime | None


def read_hours(text: str) -> tuple[Span, ...]:
    """The spans of a day. Raises `ValidationError` that says how to write them."""
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    spans = [_span(part) for part in parts]
    for (_, closes), (opens, _) in pairwise(spans):
        if opens < closes:
            raise _wrong("Put the hours in order, without an overlap")
    return tuple(spans)


def validate_hours(value: str) -> None:
    """For fields that hold the hours of a day."""
    read_hours(value)


def read_special_days(text: str) -> dict[datetime.date, SpecialDay]:
    """A line each: `2026-12-24 08:00-12:00 Christmas Eve`, `2026-12-31 closed Stocktaking`."""
    found: dict[datetime.date, SpecialDay] = {}
    lines = [line.strip() for line in text.splitlines()]
    if len(lines) > MOST_SPECIAL_DAYS:
        raise ValidationError(f"Give at most {MOST_SPECIAL_DAYS} days.", code="special_days")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        day = _special(number, line)
        if day.date in found:
            raise ValidationError(f"Line {number}: {day.date} stands here twice.", "special_days")
        found[day.date] = day
    return found


def validate_special_days(value: str) -> None:
    """For the field that holds them."""
    read_special_days(value)


def periods_on(plan: Plan, date: datetime.date) -> list[Period]:
    """The opening hours of a local date as instants."""
    found = [
        (_instant(plan.zone, date, opens, ends=False), _instant(plan.zone, date, closes, ends=True))
        for opens, closes in plan.spans_on(date)
    ]
    return [(opens, closes) for opens, closes in found if opens < closes]


def periods(plan: Plan, since: datetime.date, until: datetime.date) -> Iterator[Period]:
    """All opening hours of the local dates from `since` to before `until`, joined over midnight."""
    pending: Period | None = None
    for number in range((until - since).days):
        for opens, closes in periods_on(plan, since + number * DAY):
            if pending is not None and opens <= pending[1]:
                pending = (pending[0], max(closes, pending[1]))
                continue
            if pending is not None:
                yield pending
            pending = (opens, closes)
    if pending is not None:
        yield pending


def status_at(plan: Plan, at: datetime.datetime) -> Status:
    """Whether it works at the instant, what day it is there, and when that changes."""
    local = at.astimezone(plan.zone)
    day = plan.name_of(local.date())
    for opens, closes in periods(plan, local.date() - 2 * DAY, local.date() + HORIZON * DAY):
        if at < opens:
            return Status(False, local, day, opens)
        if at < closes:
            ends = closes if closes - at < HORIZON / 2 * DAY else None
            return Status(True, local, day, ends)
    return Status(False, local, day, None)


def in_hours(plan: Plan, at: datetime.datetime) -> bool:
    """Whether it works at the instant."""
    date = at.astimezone(plan.zone).date()
    near = (date - DAY, date, date + DAY)
    return any(opens <= at < closes for each in near for opens, closes in periods_on(plan, each))


def any_open(answers: Iterable[bool]) -> bool | None:
    """Of several regions: open while one of them works; None where nobody timed any."""
    listed = list(answers)
    return any(listed) if listed else None


def described(week: Sequence[str]) -> list[tuple[str, str]]:
    """The week for people: each day with its hours."""
    return [
        (day.capitalize(), hours or "closed") for day, hours in zip(WEEKDAYS, week, strict=True)
    ]


def _span(text: str) -> Span:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise _wrong(f"“{text[:40]}” can't be read")
    opens = int(found[1]) * 60 + int(found[2])
    closes = int(found[3]) * 60 + int(found[4]) if found[3] else WHOLE_DAY
    if closes <= opens:
        raise _wrong(f"“{text}” ends before it begins; split it at midnight")
    return opens, closes


def _wrong(what: str) -> ValidationError:
    text = f"{what}. Write hours such as 08:00-12:00, 13:00-18:00; leave it empty for closed."
    return ValidationError(text, code="hours")


def _special(number: int, line: str) -> SpecialDay:
    found = _SPECIAL.fullmatch(line)
    try:
        if found is None:
            raise ValueError(line)
        date = datetime.date.fromisoformat(found[1])
        spans = () if found[2] == "closed" else read_hours(found[2])
    except ValidationError as error:
        raise ValidationError(f"Line {number}: {error.message}", code="special_days") from error
    except ValueError as error:
        form = "2026-12-24 08:00-12:00 Christmas Eve, or 2026-12-31 closed Stocktaking"
        raise ValidationError(f"Line {number}: write {form}.", code="special_days") from error
    return SpecialDay(date, spans, (found[3] or "").strip())


def _instant(zone: ZoneInfo, date: datetime.date, minute: int, *, ends: bool) -> datetime.datetime:
    """A wall time as an instant. An hour that comes twice belongs to the span whole; a wall time
    that the clock skips is the instant of the skip."""
    wall = datetime.datetime.combine(date, datetime.time()) + datetime.timedelta(minutes=minute)
    first, second = (
        wall.replace(tzinfo=zone, fold=fold).astimezone(datetime.UTC) for fold in (0, 1)
    )
    if first <= second:
        return second if ends else first
    return _skip_between(zone, second, first)


def _skip_between(
    zone: ZoneInfo, before: datetime.datetime, after: datetime.datetime
) -> datetime.datetime:
    """The instant at which the zone's offset changes, to the minute."""
    was = before.astimezone(zone).utcoffset()
    while after - before > datetime.timedelta(minutes=1):
        middle = (before + (after - before) / 2).replace(second=0, microsecond=0)
        if middle.astimezone(zone).utcoffset() == was:
            before = middle
        else:
            after = middle
    return after


def plan_of(values: Mapping[str, Any], holidays: Mapping[datetime.date, str]) -> Plan:
    """The plan of a calendar's fields."""
    return Plan(
        zone=ZoneInfo(values["time_zone"]),
        week=tuple(read_hours(values[day]) for day in WEEKDAYS),
        holidays=holidays,
        special=read_special_days(values["special_days"]),
    )
