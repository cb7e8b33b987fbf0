"""Rows that a worker parked for want of their code are opened by one that has it."""

import pytest

from config import clock
from config.due.models import Channel, DueRow, OutboundMessage, Timer
from config.due.operations import schedule, send_later
from config.due.parking import adopt_parked
from config.due.worker import run_due
from config.events.models import Event, EventDelivery
from config.events.operations import record
from tests.config import make
from tests.config.due import effects

pytestmark = pytest.mark.django_db


PARKED = "No code here knows it: install it, retry."  # as release 0.1.0 wrote it


def parked(row: DueRow, text: str = PARKED) -> DueRow:
    """A dead letter."""
    row.dead_at, row.last_error, row.attempts = clock.now(), text, 1
    row.save()
    return row


def promised() -> list[DueRow]:
    """One of each table, whose code is here."""
    root = make.system()
    event = record("test.happened", None, actor=root)
    return [
        schedule("test.bump", root, clock.now(), key="mine"),
        send_later("test.message", root, channel=Channel.MAIL, address="bob@example.org"),
        EventDelivery.objects.create(event=event, handler="test.known"),
    ]


def test_opens_what_this_worker_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.events.delivery.handler_named", {"test.known": print}.get)
    rows = [parked(row) for row in promised()]

    adopt_parked()

    for row in rows:
        row.refresh_from_db()
        assert (row.is_open, row.attempts, row.last_error) == (True, 0, "")
    retried = Event.objects.filter(kind="due.retried")
    assert [event.data["error"] for event in retried] == [PARKED] * 3


def test_leaves_what_it_does_not_know_either() -> None:
    root = make.system()
    timer = parked(schedule("test.unheard", root, clock.now(), key="theirs"))
    message = parked(
        send_later("test.unheard", root, channel=Channel.MAIL, address="bob@example.org")
    )

    adopt_parked()

    for row in (timer, message):
        row.refresh_from_db()
        assert row.dead_at is not None


def test_leaves_what_died_of_something_else() -> None:
    timer = parked(schedule("test.bump", make.system(), clock.now(), key="broken"), "RuntimeError")

    adopt_parked()

    timer.refresh_from_db()
    assert timer.dead_at is not None


def test_leaves_a_timer_whose_place_is_taken() -> None:
    root = make.system()
    first = parked(schedule("test.bump", root, clock.now(), key="same"))
    schedule("test.bump", root, clock.now(), key="same")

    adopt_parked()
    run_due(clock.now())

    first.refresh_from_db()
    assert first.dead_at is not None
    assert effects.count("same") == 1
    assert Timer.objects.dead().count() == 1
    assert not OutboundMessage.objects.exists()
