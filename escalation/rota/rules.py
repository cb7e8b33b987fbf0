"""Rotation arithmetic: who is on call at an instant, in local time, across clock changes. Pure.

A rotation hands over at one local time every N days. A local time that a clock change leaves out
is read by the clock from before it (02:30 becomes 03:30, as in iCalendar: RFC 5545, 3.3.5); one
that exists twice is the first of the two.
"""

import datetime
import itertools
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from config.apikit.codes import explain

DAY = datetime.timedelta(days=1)
# What a rotation may span: beyond it lie typing errors, and the ends of the calendar.
FIRST_DAY = datetime.date(2000, 1, 1)
LAST_DAY = datetime.date(2199, 12, 31)
FIRST = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
LAST = datetime.datetime(2199, 12, 31, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Rotation:
    """People in turn, each for `days` days, from `starts_on` at `handoff` local time."""

    people: Sequence[int]
    starts_on: datetime.date
    handoff: datetime.time
    days: int
    zone: str
    ends_on: datetime.date | None = None


@dataclass(frozen=True)
class Cover:
    """Somebody is on call from `start` (inclusive) to `end` (exclusive), both in UTC."""

    start: datetime.datetime
    end: datetime.datetime
    person: int
    is_override: bool = False


def local_instant(day: datetime.date, time: datetime.time, zone: str) -> datetime.datetime:
    """The UTC instant of a local time on a day."""
    # `fold` is 0: the clock from before the change decides, in gaps and in repeated hours alike.
    local = datetime.datetime.combine(day, time.replace(fold=0), tzinfo=zoneinfo.ZoneInfo(zone))
    return local.astimezone(datetime.UTC)


def turn_at(rotation: Rotation, at: datetime.datetime) -> int | None:
    """The number of the turn (0, 1, ...) that holds the instant; None outside the rotation."""
    local = at.astimezone(zoneinfo.ZoneInfo(rotation.zone))
    day = local.date()
    if local_instant(day, rotation.handoff, rotation.zone) > at:
        day -= DAY
    elapsed = (day - rotation.starts_on).days
    ended = rotation.ends_on is not None and day >= rotation.ends_on
    return None if elapsed < 0 or ended or not rotation.people else elapsed // rotation.days


def person_at(rotation: Rotation, at: datetime.datetime) -> int | None:
    """Who has the turn at the instant."""
    turn = turn_at(rotation, at)
    return None if turn is None else rotation.people[turn % len(rotation.people)]


def turn_span(rotation: Rotation, turn: int) -> tuple[datetime.datetime, datetime.datetime]:
    """From one hand-off to the next, in UTC."""
    first = rotation.starts_on + turn * rotation.days * DAY
    last = first + rotation.days * DAY
    if rotation.ends_on is not None:
        last = min(last, rotation.ends_on)
    return (
        local_instant(first, rotation.handoff, rotation.zone),
        local_instant(last, rotation.handoff, rotation.zone),
    )


def turns(rotation: Rotation, start: datetime.datetime, end: datetime.datetime) -> Iterator[Cover]:
    """The turns that touch [start, end), cut to it."""
    if not rotation.people:
        return
    for turn in itertools.count(turn_at(rotation, start) or 0):
        begins, ends = turn_span(rotation, turn)
        if begins >= end or _is_over(rotation, turn):
            return
        if max(begins, start) < min(ends, end):
            person = rotation.people[turn % len(rotation.people)]
            yield Cover(max(begins, start), min(ends, end), person)


def _is_over(rotation: Rotation, turn: int) -> bool:
    first = rotation.starts_on + turn * rotation.days * DAY
    return rotation.ends_on is not None and first >= rotation.ends_on


def final(
    layers: Iterable[Iterable[Cover]],
    overrides: Iterable[Cover],
    start: datetime.datetime,
    end: datetime.datetime,
) -> list[Cover]:
    """The schedule that holds: overrides over layers, earlier layers over later ones.

    Neighbouring covers of one person are joined; intervals without cover are left out.
    """
    ranked = [list(overrides), *(list(layer) for layer in layers)]
    edges = {start, end}
    for covers in ranked:
        for cover in covers:
            edges |= {max(cover.start, start), min(cover.end, end)}
    marks = sorted(edge for edge in edges if start <= edge <= end)
    found: list[Cover] = []
    for begins, ends in itertools.pairwise(marks):
        chosen = _first_covering(ranked, begins)
        if chosen is not None:
            _append(found, Cover(begins, ends, chosen.person, chosen.is_override))
    return found


def _first_covering(ranked: list[list[Cover]], at: datetime.datetime) -> Cover | None:
    for covers in ranked:
        for cover in covers:
            if cover.start <= at < cover.end:
                return cover
    return None


def _append(found: list[Cover], cover: Cover) -> None:
    last = found[-1] if found else None
    same = last and last.person == cover.person and last.is_override == cover.is_override
    if last and same and last.end == cover.start:
        found[-1] = Cover(last.start, cover.end, cover.person, cover.is_override)
    else:
        found.append(cover)


def gaps(
    covers: Sequence[Cover], start: datetime.datetime, end: datetime.datetime
) -> list[tuple[datetime.datetime, datetime.datetime]]:
    """The intervals of [start, end) that nobody covers; `covers` in order, without overlaps."""
    found = []
    reached = start
    for cover in covers:
        if cover.start > reached:
            found.append((reached, cover.start))
        reached = max(reached, cover.end)
    if reached < end:
        found.append((reached, end))
    return found


explain(
    override_withdrawn=(
        "The override was withdrawn",
        "Add a new one; what was withdrawn stays in the record.",
    ),
)
