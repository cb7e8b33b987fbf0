"""Operating hours as text and as instants, across changes of the clock."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from incidents.calendars.rules import (
    Plan,
    in_hours,
    periods,
    periods_on,
    read_hours,
    read_special_days,
    status_at,
)

NEW_YORK = ZoneInfo("America/New_York")
NIGHT = ((22 * 60, 24 * 60),)
DAY = datetime.timedelta(days=1)


def plan(hours: str, zone: ZoneInfo = NEW_YORK, **fields) -> Plan:
    return Plan(zone=zone, week=(read_hours(hours),) * 7, **fields)


def utc(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


def length(of: Plan, date: str) -> float:
    found = periods_on(of, datetime.date.fromisoformat(date))
    return sum((closes - opens).total_seconds() for opens, closes in found) / 3600


def test_reads_the_hours_of_a_day():
    assert read_hours("08:00-12:00, 13:00-24:00") == ((480, 720), (780, 1440))
    assert read_hours(" ") == ()


@pytest.mark.parametrize(
    "text", ["8-12", "08:00-25:00", "12:00-08:00", "08:00-08:00", "09:00-12:00, 11:00-13:00", "x"]
)
def test_refuses_hours_that_can_not_be(text):
    with pytest.raises(ValidationError, match=r"Write hours such as"):
        read_hours(text)


def test_reads_days_that_differ():
    days = read_special_days("2026-12-24 08:00-12:00 Christmas Eve\n\n2026-12-31 closed\n")

    assert {str(day): (each.spans, each.note) for day, each in days.items()} == {
        "2026-12-24": (((480, 720),), "Christmas Eve"),
        "2026-12-31": ((), ""),
    }


@pytest.mark.parametrize(
    "text", ["tomorrow closed", "2026-02-30 closed", "2026-01-01 9-5", "2026-01-01 closed\n" * 2]
)
def test_names_the_line_that_is_wrong(text):
    with pytest.raises(ValidationError, match=r"Line \d"):
        read_special_days(text)


@pytest.mark.parametrize(
    ("date", "hours"), [("2026-03-07", 24), ("2026-03-08", 23), ("2026-11-01", 25)]
)
def test_has_as_many_hours_as_the_day(date, hours):
    assert length(plan("00:00-24:00"), date) == hours


def test_opens_at_the_skip_where_the_clock_skips_the_opening():
    opens, closes = periods_on(plan("02:30-04:00"), datetime.date(2026, 3, 8))[0]

    assert (opens, closes) == (utc("2026-03-08 07:00"), utc("2026-03-08 08:00"))


def test_counts_an_hour_that_comes_twice_as_two():
    assert length(plan("01:00-02:00"), "2026-11-01") == 2


def test_joins_hours_over_midnight():
    night = Plan(zone=ZoneInfo("UTC"), week=(((0, 360), (1320, 1440)),) * 7)
    found = list(periods(night, datetime.date(2026, 1, 1), datetime.date(2026, 1, 3)))

    assert [(closes - opens).total_seconds() / 3600 for opens, closes in found] == [6, 8, 2]


def test_says_when_it_opens_next():
    holidays = {datetime.date(2026, 1, 1): "New Year"}
    status = status_at(plan("09:00-17:00", holidays=holidays), utc("2026-01-01 15:00"))

    assert (status.in_hours, status.day) == (False, "New Year")
    assert status.changes_at == utc("2026-01-02 14:00")


def test_never_changes_where_it_is_always_or_never_open():
    for hours, answer in (("00:00-24:00", True), ("", False)):
        status = status_at(plan(hours), utc("2026-05-05 05:05"))
        assert (status.in_hours, status.changes_at) == (answer, None)


@given(
    at=st.datetimes(
        datetime.datetime(2026, 1, 1),  # noqa: DTZ001  # hypothesis wants none
        datetime.datetime(2027, 12, 31),  # noqa: DTZ001
        timezones=st.just(datetime.UTC),
    ),
    zone=st.sampled_from(["America/New_York", "Asia/Tokyo", "Australia/Lord_Howe", "UTC"]),
    hours=st.sampled_from(["", "00:00-24:00", "02:15-02:45", "01:00-03:30, 22:00-24:00"]),
)
def test_answers_alike_by_instant_and_by_period(at, zone, hours):
    asked = plan(hours, ZoneInfo(zone))
    date = at.date()
    spans = periods(asked, date - 2 * DAY, date + 3 * DAY)

    assert in_hours(asked, at) == any(opens <= at < closes for opens, closes in spans)
    assert status_at(asked, at).in_hours == in_hours(asked, at)
