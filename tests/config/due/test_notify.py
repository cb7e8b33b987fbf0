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
LAST = "that was all"


@pytest.fixture
def heard(fresh_db):
    """What was notified since it was last asked."""
    with direct() as listening:
        listening.execute(f"LISTEN {CHANNEL}")

        def told() -> list[str]:
            """All up to a last one of our own: notifications come in the order of commits."""
            listening.execute("SELECT pg_notify(%s, %s)", [CHANNEL, LAST])
            found = [""]
            while found[-1] != LAST:
                found += [each.payload for each in listening.notifies(timeout=10, stop_after=1)]
            return found[1:-1]

        yield told


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
