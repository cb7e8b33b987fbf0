"""The database's clock is set back: what waits for a time to pass does not wait longer."""

import datetime
from typing import Any

import pytest
from django.db.models.functions import Now

from config import clock
from config.due import installation
from config.due.models import Channel, DueRow, OutboundMessage, Timer
from config.due.operations import schedule, send_later
from tests.config import make
from tests.config.due import effects

pytestmark = pytest.mark.django_db
HOUR, MINUTE = datetime.timedelta(hours=1), datetime.timedelta(minutes=1)

__all__ = ["effects"]


@pytest.fixture
def promised() -> dict[str, DueRow]:
    """What was promised a moment before the clock went back by an hour: the rows come from then."""
    root, before = make.system(), clock.now() + HOUR
    rows: dict[str, DueRow] = {
        "message": send_later(
            "test.message",
            root,
            channel=Channel.MAIL,
            address="bob@example.org",
            due_at=before,
        ),
        "elapsed": schedule("test.elapsed", root, before + 10 * MINUTE, key="in ten minutes"),
        "instant": schedule("test.bump", root, before + 10 * MINUTE, key="at that instant"),
    }
    for model in (Timer, OutboundMessage):
        model.objects.update(created_at=Now() + HOUR)
    return rows


def step_back(by: datetime.timedelta) -> None:
    """Hear a time from which the present one is so far back."""
    clock.hear(clock.now() + by)
    installation.hear_the_time()


def wait(row: Any) -> float:
    """Minutes until it may be taken."""
    row.refresh_from_db()
    return float(round((row.next_at - clock.now()) / MINUTE, 1))


def test_keeps_the_time_that_was_to_pass(promised: dict[str, DueRow]) -> None:
    step_back(HOUR)

    assert {name: wait(row) for name, row in promised.items()} == {
        "message": 0,
        "elapsed": 10,
        "instant": 70,
    }
    assert wait_for_promise(promised["elapsed"]) == 10


def wait_for_promise(row: DueRow) -> float:
    return round((row.due_at - clock.now()) / MINUTE, 1)


def test_moves_each_row_once_whoever_notices(promised: dict[str, DueRow]) -> None:
    step_back(HOUR)
    step_back(HOUR)

    assert wait(promised["elapsed"]) == 10


def test_moves_nothing_that_was_promised_since(promised: dict[str, DueRow]) -> None:
    later = schedule("test.elapsed", make.system(), clock.now() + 10 * MINUTE, key="since")

    step_back(HOUR)

    assert wait(later) == 10


@pytest.mark.parametrize("by", [datetime.timedelta(seconds=2), -HOUR])
def test_takes_no_notice_of_a_nudge_nor_of_a_step_forth(
    promised: dict[str, DueRow], by: datetime.timedelta
) -> None:
    step_back(by)

    assert wait(promised["elapsed"]) == 70
