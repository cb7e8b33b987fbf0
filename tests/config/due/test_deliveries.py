"""Handlers of events: told at least once, with one effect."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import clock
from config.due.leases import lease_one
from config.due.performing import perform
from config.due.worker import run_due
from config.events.delivery import QUEUE, reconcile
from config.events.models import Event, EventDelivery
from config.events.operations import on, record
from config.organisation.models import User
from tests.config.due.effects import bump, count

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


@on("test.rang", name="test.answer")
def answer(event):
    bump(f"answer {event.pk}")


@on("test.rang", name="test.stumble")
def stumble(event):
    bump(f"stumble {event.pk}")
    if event.data.get("stumble"):
        raise RuntimeError("stumbled")


def ring(**data) -> Event:
    return record("test.rang", None, actor=User.objects.system(), **data)


def test_tells_every_handler_of_an_event():
    event = ring()

    run_due(clock.now())

    assert (count(f"answer {event.pk}"), count(f"stumble {event.pk}")) == (1, 1)
    assert not EventDelivery.objects.open().filter(event=event).exists()


def test_rolls_back_only_the_handler_that_fails():
    event = ring(stumble=True)

    run_due(clock.now(), strict=False)

    assert (count(f"answer {event.pk}"), count(f"stumble {event.pk}")) == (1, 0)
    left = EventDelivery.objects.open().get(event=event)
    assert (left.handler, left.attempts, left.last_error) == (
        *("test.stumble", 1),
        "RuntimeError: stumbled",
    )


@given(runs=st.integers(min_value=1, max_value=6), again=st.integers(min_value=0, max_value=3))
def test_has_one_effect_however_often_it_is_run(runs, again):
    event = ring()
    delivery = EventDelivery.objects.get(event=event, handler="test.answer")
    leases = [lease_one(delivery) for _ in range(1 + again)]

    for lease in leases:
        for _ in range(runs):
            perform(QUEUE, lease)

    assert count(f"answer {event.pk}") == 1


def test_parks_a_delivery_whose_handler_is_gone():
    event = ring()
    EventDelivery.objects.filter(event=event, handler="test.answer").update(handler="test.gone")

    run_due(clock.now())

    parked = EventDelivery.objects.dead().get(event=event)
    assert parked.last_error == "No code here knows the handler test.gone: install it, retry."
    assert Event.objects.get(kind="due.dead").data["what"] == "the handler test.gone"


def test_promises_handlers_the_recent_events_that_they_missed():
    event = ring()
    EventDelivery.objects.filter(event=event, handler="test.answer").delete()

    assert reconcile(clock.now() + datetime.timedelta(hours=1)) == "1 deliveries"
    assert reconcile(clock.now() + datetime.timedelta(hours=1)) == "0 deliveries"
    assert reconcile(clock.now() + 4 * DAY) == "0 deliveries"
    assert EventDelivery.objects.filter(event=event, handler="test.answer").count() == 1


def test_leaves_events_alone_whose_transaction_may_still_run():
    event = ring()
    EventDelivery.objects.filter(event=event).delete()

    assert reconcile(clock.now()) == "0 deliveries"
