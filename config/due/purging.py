"""Nightly jobs of the platform itself: what is done goes, after a while, in small batches."""

import datetime

from django.db import models, transaction
from django.db.models import ProtectedError
from django_q.models import Task

from config.due.jobs import job
from config.due.models import Counter, DueRow, OutboundMessage, WorkerHeartbeat
from config.due.queues import queues

DONE_KEPT = datetime.timedelta(days=30)
MESSAGES_KEPT = datetime.timedelta(days=400)
RESULTS_KEPT = datetime.timedelta(days=14)
HEARTBEATS_KEPT = datetime.timedelta(days=1)
BATCH = 1000


@job("purge_due_rows", every="daily")
def purge_due_rows(as_of: datetime.datetime) -> str:
    """Remove timers and deliveries done a month ago, and messages done more than a year ago."""
    count = sum(_purge_done(queue.model, as_of - DONE_KEPT) for queue in queues())
    count += _purge_done(OutboundMessage, as_of - MESSAGES_KEPT)
    return f"{count} rows"


@job("purge_results", every="daily")
def purge_results(as_of: datetime.datetime) -> str:
    """Remove results of background jobs, expired counters, and heartbeats of workers long gone."""
    results = Task.objects.filter(stopped__lt=as_of - RESULTS_KEPT)
    count = in_batches(results) + in_batches(Counter.objects.filter(expires_at__lt=as_of))
    WorkerHeartbeat.objects.filter(seen_at__lt=as_of - HEARTBEATS_KEPT).delete()
    return f"{count} rows"


def _purge_done(model: type[DueRow], before: datetime.datetime) -> int:
    return in_batches(model.objects.filter(done_at__lt=before))


def in_batches[M: models.Model](rows: models.QuerySet[M]) -> int:
    """Delete a thousand at a time, each batch in a transaction; what others refer to stays."""
    count, last = 0, None
    while True:
        later = rows.order_by("pk") if last is None else rows.order_by("pk").filter(pk__gt=last)
        keys = list(later.values_list("pk", flat=True)[:BATCH])
        if not keys:
            return count
        last = keys[-1]
        count += _delete(rows.model._base_manager.filter(pk__in=keys))


def _delete[M: models.Model](rows: models.QuerySet[M]) -> int:
    try:
        with transaction.atomic():
            return rows.delete()[0]
    except ProtectedError as error:
        kept = [each.pk for each in _referred(rows, error)]
        return rows.exclude(pk__in=kept).delete()[0] if kept else 0


def _referred[M: models.Model](rows: models.QuerySet[M], error: ProtectedError) -> list[M]:
    """The rows of the batch that the protected objects refer to."""
    found = []
    for keeper in error.protected_objects:
        for field in keeper._meta.fields:
            if field.is_relation and field.related_model is rows.model:
                found.append(getattr(keeper, field.name))
    return [row for row in found if row is not None]
