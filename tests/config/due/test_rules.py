"""When to try again."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.due.rules import DELAYS, LONGEST_WAIT, delay_after, retry_after

NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


def test_backs_off_and_ends_after_eight_attempts():
    assert [delay_after(n, DELAYS) for n in range(1, 9)] == [
        *(5, 30, 120, 600, 600, 600, 600),
        None,
    ]


def test_waits_as_long_as_asked_within_reason():
    assert delay_after(1, (5,), asked=60) == 60
    assert delay_after(1, (5,), asked=1) == 5
    assert delay_after(1, (5,), asked=86400) == LONGEST_WAIT
    assert delay_after(2, (5,), asked=60) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Sun, 01 Mar 2026 12:02:00 GMT", 120.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("Sun, 01 Mar 2026 12:02:00 -0000", 120.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("²", None),
    ],
)
def test_reads_retry_after(header, seconds):
    assert retry_after(header, NOON) == seconds


@given(st.text())
def test_survives_any_retry_after(header):
    found = retry_after(header, NOON)
    assert found is None or found >= 0
