"""Timers, done on a simulated clock."""

import datetime

import pytest

from config import clock
from config.due.leases import claim, lease_one
from config.due.models import Counter, Timer
from config.due.operations import KindTaken, cancel, retry, schedule, timer
from config.due.performing import perform
from config.due.timers import QUEUE
from config.due.worker import run_due
from config.errors import Refused
from config.events.models import Event
from config.organisation.models import User
from tests.config.due.effects import bump, count

pytestmark = pytest.mark.django_db
NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def root() -> User:
    return User.objects.system()


def test_runs_what_is_due_in_the_order_of_time(root):
    seen = []

    @timer("test.order")
    def see(due, root):
        seen.append((due.key, root.pk, due.due_at))

    schedule("test.order", root, NOON + MINUTE, key="second")
    schedule("test.order", root, NOON, key="first")
    schedule("test.order", root, NOON + 2 * MINUTE, key="later")

    assert run_due(NOON + MINUTE) == 2
    assert seen == [("first", root.pk, NOON), ("second", root.pk, NOON + MINUTE)]
    assert list(Timer.objects.open().values_list("key", flat=True)) == ["later"]


def test_marks_it_done_at_its_own_time(root):
    due = schedule("test.bump", root, NOON, key="one")

    run_due(NOON + MINUTE)

    due.refresh_from_db()
    assert (due.done_at, due.attempts, due.last_error) == (NOON, 1, "")


def test_moves_the_open_timer_of_a_key(root):
    first = schedule("test.bump", root, NOON, key="one", tier=1)
    second = schedule("test.bump", root, NOON + MINUTE, key="one", tier=2)

    assert second.pk == first.pk
    assert (second.due_at, second.data) == (NOON + MINUTE, {"tier": 2})
    assert run_due(NOON) == 0


def test_takes_back_what_was_promised(root):
    schedule("test.bump", root, NOON, key="one")
    schedule("test.bump", root, NOON, key="two")

    assert cancel("test.bump", root, key="one") == 1
    run_due(NOON)
    assert (count("one"), count("two")) == (0, 1)


def test_lets_an_effect_schedule_itself_again(root):
    @timer("test.again")
    def again(due, root):
        bump("again")
        schedule("test.again", root, due.due_at + MINUTE, key=due.key)

    schedule("test.again", root, NOON, key="ticking")

    assert run_due(NOON + 3 * MINUTE) == 4
    assert count("again") == 4
    assert Timer.objects.open().get(key="ticking").due_at == NOON + 4 * MINUTE


def test_does_nothing_for_a_root_that_is_gone():
    gone = Counter.objects.create(key="gone", expires_at=NOON)
    Timer.objects.create(
        kind="test.bump", key="k", root_type="config.user", root_id=-1, due_at=NOON, next_at=NOON
    )
    gone.delete()

    assert run_due(NOON) == 1
    assert count("k") == 0
    assert not Timer.objects.open().filter(key="k").exists()


def test_raises_the_first_error_and_leaves_the_row_when_strict(root):
    due = schedule("test.fail", root, NOON, key="bad")

    with pytest.raises(RuntimeError, match="never works"):
        run_due(NOON)

    due.refresh_from_db()
    assert due.is_open
    assert count("bad") == 0


def test_backs_off_and_ends_as_a_dead_letter_with_event_and_fallback(root):
    due = schedule("test.fail", root, NOON, key="bad")
    schedule("test.bump", root, NOON, key="neighbour")

    run_due(NOON, strict=False)
    due.refresh_from_db()
    assert (due.attempts, due.next_at) == (1, NOON + datetime.timedelta(seconds=5))
    assert due.last_error == "RuntimeError: it never works"
    assert count("neighbour") == 1

    run_due(NOON + MINUTE, strict=False)
    due.refresh_from_db()
    assert due.dead_at == NOON + datetime.timedelta(seconds=35)
    assert due.attempts == 3
    assert count("bad") == 0  # each attempt was rolled back
    assert count("fallback bad") == 1
    event = Event.objects.get(kind="due.dead")
    assert (event.subject_type, event.subject_id) == ("config.user", root.pk)
    assert event.reason == "RuntimeError: it never works"
    assert event.data["row"] == str(due.pk)


def test_parks_an_unknown_kind_until_it_is_tried_again(root):
    due = schedule("test.not_yet", root, NOON, key="one")
    run_due(NOON)
    due.refresh_from_db()
    assert due.dead_at == NOON
    assert "No code here knows the timer test.not_yet" in due.last_error

    @timer("test.not_yet")
    def known(due, root):
        bump("known")

    retry(due, actor=root, reason="deployed")
    run_due(clock.now())

    assert count("known") == 1
    event = Event.objects.get(kind="due.retried")
    assert (event.actor_id, event.reason) == (root.pk, "deployed")


def test_refuses_to_retry_what_is_no_dead_letter(root):
    due = schedule("test.bump", root, NOON, key="one")

    with pytest.raises(Refused):
        retry(due, actor=root)

    assert not Event.objects.filter(kind="due.retried").exists()


def test_refuses_to_retry_where_another_timer_of_the_key_is_open(root):
    dead = schedule("test.unknown2", root, NOON, key="one")
    run_due(NOON)
    schedule("test.unknown2", root, NOON + MINUTE, key="one")

    with pytest.raises(Refused, match="open already"):
        retry(dead, actor=root)


def test_buries_a_row_that_killed_the_worker_each_time(root):
    due = schedule("test.bump", root, NOON, key="poison")
    Timer.objects.filter(pk=due.pk).update(attempts=5)

    run_due(NOON)

    due.refresh_from_db()
    assert due.dead_at is not None
    assert "ended without a trace" in due.last_error
    assert count("poison") == 0


def test_stops_without_a_lease(root):
    due = schedule("test.bump", root, NOON, key="one")
    mine = lease_one(due)
    theirs = lease_one(due)

    perform(QUEUE, mine)
    assert count("one") == 0
    perform(QUEUE, theirs)
    perform(QUEUE, theirs)
    assert count("one") == 1


def test_claims_by_the_databases_clock_in_order(root):
    now = clock.now()
    keys = [schedule("test.bump", root, now - n * MINUTE, key=str(n)).pk for n in range(4)]
    schedule("test.bump", root, now + MINUTE, key="later")

    assert [lease.pk for lease in claim(Timer, 3)] == [keys[3], keys[2], keys[1]]
    assert [lease.pk for lease in claim(Timer, 3)] == [keys[0]]


def test_refuses_two_effects_of_one_kind():
    with pytest.raises(KindTaken):
        timer("test.bump")(lambda due, root: None)
