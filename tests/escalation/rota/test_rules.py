"""Rotation arithmetic: who has the turn, in local time, across clock changes."""

import datetime
import itertools
import zoneinfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from escalation.rota.rules import (
    Cover,
    Rotation,
    final,
    gaps,
    local_instant,
    person_at,
    turn_at,
    turn_span,
    turns,
)

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC")
UTC = datetime.UTC
DAY = datetime.timedelta(days=1)

zones = st.sampled_from(ZONES)
instants = st.integers(0, 20 * 365 * 24 * 60).map(
    lambda minutes: datetime.datetime(2009, 1, 1, tzinfo=UTC) + datetime.timedelta(minutes=minutes)
)
times = st.times().map(lambda time: time.replace(second=0, microsecond=0))
rotations = st.builds(
    Rotation,
    people=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    starts_on=st.dates(datetime.date(2009, 1, 1), datetime.date(2028, 1, 1)),
    handoff=times,
    days=st.integers(1, 30),
    zone=zones,
    ends_on=st.none(),
)


def weekly(zone: str, *, handoff: datetime.time, starts_on: datetime.date, days: int = 7):
    return Rotation([1, 2], starts_on, handoff, days, zone)


# Samoa went from the 29th to the 31st of December 2011.
SKIPPED_A_DAY = Rotation([1, 2], datetime.date(2011, 12, 1), datetime.time(9), 1, "Pacific/Apia")


@pytest.mark.parametrize(
    ("zone", "day", "before", "after"),
    [
        ("Europe/Berlin", "2026-03-29", "08:00", "07:00"),
        ("Europe/Berlin", "2026-10-25", "07:00", "08:00"),
        ("America/New_York", "2026-03-08", "14:00", "13:00"),
        ("America/New_York", "2026-11-01", "13:00", "14:00"),
        ("Australia/Lord_Howe", "2026-04-05", "22:00", "22:30"),
        ("Australia/Lord_Howe", "2026-10-04", "22:30", "22:00"),
    ],
)
def test_hands_over_at_the_same_local_time_on_both_sides_of_a_clock_change(
    zone: str, day: str, before: str, after: str
) -> None:
    change = datetime.date.fromisoformat(day)

    found = [
        f"{local_instant(each, datetime.time(9), zone):%H:%M}" for each in (change - DAY, change)
    ]

    assert found == [before, after]


@pytest.mark.parametrize(
    ("zone", "day", "time", "expected"),
    [
        ("Europe/Berlin", (2026, 3, 29), (2, 30), "2026-03-29T01:30:00+00:00"),
        ("Europe/Berlin", (2026, 10, 25), (2, 30), "2026-10-25T00:30:00+00:00"),
        ("America/New_York", (2026, 3, 8), (2, 30), "2026-03-08T07:30:00+00:00"),
        ("Australia/Lord_Howe", (2026, 10, 4), (2, 15), "2026-10-03T15:45:00+00:00"),
        ("Australia/Lord_Howe", (2026, 4, 5), (1, 45), "2026-04-04T14:45:00+00:00"),
    ],
)
def test_reads_times_that_are_missing_or_double_by_the_clock_before_the_change(
    zone: str, day: tuple[int, int, int], time: tuple[int, int], expected: str
) -> None:
    assert local_instant(datetime.date(*day), datetime.time(*time), zone).isoformat() == expected


@given(rotation=rotations, at=instants)
@example(rotation=SKIPPED_A_DAY, at=datetime.datetime(2012, 1, 1, tzinfo=UTC))
def test_has_exactly_one_turn_at_any_instant_from_the_first_hand_off(
    rotation: Rotation, at: datetime.datetime
) -> None:
    begins = local_instant(rotation.starts_on, rotation.handoff, rotation.zone)

    turn = turn_at(rotation, at)

    assert (turn is None) == (at < begins)
    if turn is not None:
        first, last = turn_span(rotation, turn)
        assert first <= at < last
        assert person_at(rotation, at) == rotation.people[turn % len(rotation.people)]


@given(
    rotation=rotations,
    start=instants,
    length=st.timedeltas(datetime.timedelta(minutes=1), datetime.timedelta(days=90)),
    ends_after=st.none() | st.integers(1, 400),
)
def test_lists_the_turns_that_person_at_gives(
    rotation: Rotation,
    start: datetime.datetime,
    length: datetime.timedelta,
    ends_after: int | None,
) -> None:
    ends_on = None if ends_after is None else rotation.starts_on + ends_after * DAY
    rotation = Rotation(**{**rotation.__dict__, "ends_on": ends_on})
    end = start + length

    found = list(turns(rotation, start, end))

    assert all(start <= cover.start < cover.end <= end for cover in found)
    for before, after in itertools.pairwise(found):
        assert before.end == after.start
    moments = {start, end - datetime.timedelta(seconds=1), start + length / 2}
    moments |= {cover.start for cover in found}
    for at in moments:
        covering = [cover.person for cover in found if cover.start <= at < cover.end]
        person = person_at(rotation, at)
        assert covering == ([] if person is None else [person])


@given(
    zone=zones, handoff=times, day=st.dates(datetime.date(2012, 1, 1), datetime.date(2029, 1, 1))
)
def test_hands_over_at_the_local_time_wherever_it_exists(
    zone: str, handoff: datetime.time, day: datetime.date
) -> None:
    rotation = Rotation([1, 2], day - 7 * DAY, handoff, 7, zone)

    begins, _ = turn_span(rotation, 1)

    local = begins.astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None)
    meant = datetime.datetime.combine(day, handoff)
    exists = (
        meant.replace(tzinfo=zoneinfo.ZoneInfo(zone))
        .astimezone(UTC)
        .astimezone(zoneinfo.ZoneInfo(zone))
        .replace(tzinfo=None)
        == meant
    )
    assert (local == meant) == exists
    assert [person_at(rotation, begins - DAY / 86400), person_at(rotation, begins)] == [1, 2]


hours = st.integers(0, 200).map(lambda n: datetime.datetime(2026, 1, 1, tzinfo=UTC) + n * DAY / 24)


@st.composite
def cover_lists(draw, *, is_override: bool = False) -> list[Cover]:
    """Covers in order that don't overlap, as a rotation or the database gives them."""
    edges = sorted(draw(st.lists(hours, unique=True, max_size=10)))
    pairs = list(itertools.pairwise(edges))
    kept = [pair for pair in pairs if draw(st.booleans())]
    return [Cover(a, b, draw(st.integers(1, 4)), is_override) for a, b in kept]


@given(
    layers=st.lists(cover_lists(), max_size=3),
    overrides=cover_lists(is_override=True),
    start=hours,
    at=hours,
)
def test_lets_overrides_win_and_leaves_no_overlaps(
    layers: list[list[Cover]], overrides: list[Cover], start, at
) -> None:
    end = start + 100 * DAY / 24

    found = final(layers, overrides, start, end)

    for before, after in itertools.pairwise(found):
        assert before.end <= after.start
        assert (
            before.end < after.start
            or before.person != after.person
            or (before.is_override != after.is_override)
        )
    if start <= at < end:
        ranked = [overrides, *layers]
        expected = [c for covers in ranked for c in covers if c.start <= at < c.end][:1]
        chosen = [c for c in found if c.start <= at < c.end]
        assert [(c.person, c.is_override) for c in chosen] == [
            (c.person, c.is_override) for c in expected
        ]
        free = [begin for begin, until in gaps(found, start, end) if begin <= at < until]
        assert bool(free) == (not expected)


def test_leaves_no_gaps_in_a_rotation_that_covers_everything() -> None:
    rotation = weekly(
        "Europe/Berlin", handoff=datetime.time(2, 30), starts_on=datetime.date(2026, 1, 5)
    )
    start = datetime.datetime(2026, 2, 1, tzinfo=UTC)
    end = datetime.datetime(2026, 12, 1, tzinfo=UTC)

    assert gaps(final([list(turns(rotation, start, end))], [], start, end), start, end) == []
