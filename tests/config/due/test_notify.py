"""The triggers that wake workers: for what is due soon, and for nothing else."""

import datetime

import pytest

from config import clock
from config.database import direct
from config.due.leases import claim, release
from config.due.models import Timer
from config.due.operations import schedule
from config.due.queues import CHANNEL, wake
from config.organisation.models import User

SECOND = datetime.timedelta(seconds=1)


@pytest.fixture
def heard(fresh_db):
    """What was notified since it was last asked."""
    with direct() as connection:
        connection.execute(f"LISTEN {CHANNEL}")
        yield lambda: [each.payload for each in connection.notifies(timeout=0.05)]


@pytest.fixture
def root(fresh_db) -> User:
    return User.objects.system()


def test_tells_of_a_row_that_is_due_soon(root, heard):
    due = schedule("test.bump", root, clock.now() + SECOND, key="one")
    assert heard() == ["config_timer"]

    schedule("test.bump", root, clock.now() + 2 * SECOND, key="one")
    assert heard() == ["config_timer"]
    assert due.pk


def test_is_silent_about_what_the_next_look_will_find(root, heard):
    schedule("test.bump", root, clock.now() + 60 * SECOND, key="one")

    assert heard() == []


def test_is_silent_about_leases_and_what_is_done(root, heard):
    schedule("test.bump", root, clock.now(), key="one")
    heard()

    leases = claim(Timer, 1)
    assert heard() == []
    release(Timer, leases)
    assert heard() == ["config_timer"]
    Timer.objects.update(done_at=clock.now())
    assert heard() == []


def test_wakes_a_claimant_by_name(fresh_db, heard):
    wake("alerts.inbox")

    assert heard() == ["alerts.inbox"]
