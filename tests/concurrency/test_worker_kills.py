"""A worker killed at the worst moments: nothing is lost, and no effect happens twice."""

import datetime
import signal
import time

import pytest

from config import clock
from config.due.models import Channel, OutboundMessage, Timer
from config.due.operations import schedule, send_later
from config.organisation.models import User
from tests.config.due.effects import count
from tests.config.due.servers import web_server

pytestmark = pytest.mark.slow
SOON = datetime.timedelta(milliseconds=50)


@pytest.fixture
def root(fresh_db):
    return User.objects.system()


def is_done(row: Timer | OutboundMessage) -> bool:
    row.refresh_from_db()
    return row.done_at is not None


@pytest.mark.parametrize("place", ["after_claim", "after_commit_before_notify"])
def test_does_each_timer_once_though_a_worker_is_killed(root, start_worker, eventually, place):
    due = schedule("test.bump", root, clock.now(), key="one")
    schedule("test.bump", root, clock.now(), key="two")

    first = start_worker(ready=False, WATCHBILL_FAULT=place)
    eventually(lambda: first.ended_by() == signal.SIGKILL, within=30)
    due.refresh_from_db()
    assert due.token is not None
    assert (due.done_at is None) == (place == "after_claim")
    assert count("one") == (0 if place == "after_claim" else 1)

    start_worker()
    eventually(lambda: count("one") == 1 and count("two") == 1)
    eventually(lambda: not Timer.objects.open().exists())
    assert (count("one"), count("two")) == (1, 1)


@pytest.mark.parametrize("ending", ["KILL", "STOP"])
def test_does_each_of_a_batch_once_though_its_worker_ends_within(
    root, start_worker, eventually, ending
):
    keys = [f"key {number}" for number in range(12)]
    for key in keys:
        schedule("test.bump", root, clock.now(), key=key)

    fault = "effect_before_commit:3" + (":STOP" if ending == "STOP" else "")
    first = start_worker(ready=False, WATCHBILL_FAULT=fault)
    eventually(lambda: Timer.objects.filter(token__isnull=False).exists(), within=30)
    if ending == "KILL":
        eventually(lambda: first.ended_by() == signal.SIGKILL, within=30)
    start_worker()
    eventually(lambda: not Timer.objects.open().exists(), within=30)
    if ending == "STOP":
        first.signal(signal.SIGCONT)
        eventually(first.is_ready, within=30)

    assert [count(key) for key in keys] == [1] * 12


def test_repeats_a_delivery_at_most_once_and_under_the_same_key(root, start_worker, eventually):
    with web_server() as web:
        allow = {"WATCHBILL_OUTBOUND_ALLOW": f"127.0.0.1:{web.port}"}
        message = send_later("test.message", root, channel=Channel.WEBHOOK, address=web.url)

        first = start_worker(ready=False, WATCHBILL_FAULT="after_answer_before_done", **allow)
        eventually(lambda: first.ended_by() == signal.SIGKILL, within=30)
        message.refresh_from_db()
        assert (message.is_open, len(web.requests)) == (True, 1)

        start_worker(**allow)
        eventually(lambda: is_done(message))
        keys = [headers["Idempotency-Key"] for _, headers, _ in web.requests]
        assert keys == [str(message.pk)] * 2
        assert count(f"sent {message.pk}") == 1


def test_sends_what_was_claimed_and_never_begun(root, start_worker, eventually):
    with web_server() as web:
        allow = {"WATCHBILL_OUTBOUND_ALLOW": f"127.0.0.1:{web.port}"}
        message = send_later("test.message", root, channel=Channel.WEBHOOK, address=web.url)

        first = start_worker(ready=False, WATCHBILL_FAULT="after_claim", **allow)
        eventually(lambda: first.ended_by() == signal.SIGKILL, within=30)
        assert web.requests == []

        start_worker(**allow)
        eventually(lambda: is_done(message))
        assert len(web.requests) == 1


def test_does_nothing_twice_after_sleeping_through_its_lease(root, start_worker, eventually):
    first = start_worker(WATCHBILL_LEASE_SECONDS="1")
    due = schedule("test.nap", root, clock.now(), key="nap", seconds=1.5)
    eventually(lambda: Timer.objects.filter(pk=due.pk, token__isnull=False).exists())
    first.signal(signal.SIGSTOP)
    time.sleep(1.2)  # past the lease: that is what is tested, here with the root's lock held

    start_worker(WATCHBILL_LEASE_SECONDS="1")
    schedule("test.bump", root, clock.now(), key="other")
    eventually(lambda: count("other") == 1)
    first.signal(signal.SIGCONT)

    eventually(lambda: is_done(due))
    assert count("nap") == 1


def test_does_nothing_twice_when_killed_again_and_again(root, start_worker, eventually):
    keys = [f"key {number}" for number in range(60)]
    for number, key in enumerate(keys):
        schedule("test.nap", root, clock.now() + number * SOON, key=key, seconds=0.02)

    for pause in (0.3, 0.7):
        worker = start_worker(WATCHBILL_LEASE_SECONDS="1")
        time.sleep(pause)  # wherever it is then
        worker.signal(signal.SIGKILL)
        worker.process.wait(5)
    start_worker(WATCHBILL_LEASE_SECONDS="1")

    eventually(lambda: not Timer.objects.open().exists(), within=30)
    assert [count(key) for key in keys] == [1] * 60
    assert not Timer.objects.dead().exists()
