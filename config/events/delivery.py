"""Telling handlers of events: each delivery in a transaction of its own, at least once."""

import datetime
from typing import Any

from django.apps import apps
from django.db import models

from config.due.jobs import job
from config.due.queues import Effect, Queue, register_queue
from config.events.models import Event, EventDelivery
from config.events.operations import handler_named, subscriptions

LOOK_BACK = datetime.timedelta(days=3)
SETTLED = datetime.timedelta(minutes=5)
BATCH = 500


def prepare(delivery: EventDelivery) -> Effect | None:
    """The handler; it re-reads and locks what it needs itself."""
    handler = handler_named(delivery.handler)
    if handler is None:
        return None
    return Effect(root=lambda: None, run=lambda _: handler(delivery.event))


def subject(delivery: EventDelivery) -> models.Model | None:
    """What the event was about, where it is still there."""
    event = delivery.event
    try:
        model = apps.get_model(event.subject_type)
    except (LookupError, ValueError):
        return None
    found: Any = model._base_manager.filter(pk=event.subject_id).first()
    return found if isinstance(found, models.Model) else None


QUEUE = Queue(
    name="deliveries",
    model=EventDelivery,
    prepare=prepare,
    describe=lambda delivery: f"the handler {delivery.handler}",
    subject=subject,
)
register_queue(QUEUE)


@job("reconcile_deliveries", every="daily")
def reconcile(as_of: datetime.datetime) -> str:
    """Promise each handler the recent events that it was never promised: its code was away."""
    return f"{sum(_repair(kind, name, as_of) for kind, name in subscriptions())} deliveries"


def _repair(kind: str, name: str, as_of: datetime.datetime) -> int:
    told = EventDelivery.objects.filter(event=models.OuterRef("pk"), handler=name)
    missed = Event.objects.filter(
        ~models.Exists(told),
        kind=kind,
        recorded_at__gt=as_of - LOOK_BACK,
        recorded_at__lt=as_of - SETTLED,
    )
    rows = [
        EventDelivery(event_id=key, handler=name, due_at=as_of, next_at=as_of)
        for key in missed.order_by("pk").values_list("pk", flat=True)
    ]
    EventDelivery.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
    return len(rows)
