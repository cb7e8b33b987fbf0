"""Was everything done that was due? Read from the rows themselves, by the database's clock."""

import datetime
from typing import Any, NamedTuple

from django.db import models
from django.db.models.functions import Now
from django_q.models import Schedule

from config.audit.models import LedgerEntry, Unsealed
from config.due.models import DueRow, Installation, OutboundMessage, WorkerHeartbeat
from config.due.queues import claimants, queues
from config.due.rules import BUSY, LONGEST_LOOK

WORKER_SILENT = 30
ROW_LATE = 60
MESSAGE_LATE = 180
SEAL_LATE = 30
JOB_LATE = 15 * 60
FRESH_DEATH = datetime.timedelta(hours=1)


class Check(NamedTuple):
    """One part's state: good or not, and why."""

    ok: bool
    detail: str


def checks() -> dict[str, Check]:
    """Worker, queue, outbox and seal, as they are now."""
    return {"worker": _worker(), "queue": _queue(), "outbox": _outbox(), "seal": _seal()}


def all_done(found: dict[str, Check]) -> bool:
    """Whether the dead-man URL may hear that all is well.

    A promise that died within the hour is a reason to stay silent, though not one to refuse
    requests: /readyz stays green.
    """
    fresh = (
        queue.model.objects.dead().filter(dead_at__gt=Now() - FRESH_DEATH) for queue in queues()
    )
    return all(check.ok for check in found.values()) and not any(rows.exists() for rows in fresh)


def _worker() -> Check:
    silent = age(WorkerHeartbeat.objects.order_by("-seen_at"), "seen_at")
    if silent is None:
        return Check(False, "no worker has ever run here: start manage.py worker")
    if silent > WORKER_SILENT:
        return Check(False, f"no worker for {silent:.0f} s: start manage.py worker")
    return Check(True, f"seen {silent:.0f} s ago")


def _queue() -> Check:
    late = {queue.name: max(lateness(queue.model), kept_waiting(queue.model)) for queue in queues()}
    late |= {each.name: each.lag() for each in claimants() if each.lag is not None}
    words = [f"{name} {age:.0f} s late" for name, age in late.items() if age > ROW_LATE]
    overdue = jobs_late()
    if overdue > JOB_LATE:
        words.append(f"background jobs {overdue:.0f} s late: start manage.py qcluster")
    dead = sum(queue.model.objects.dead().count() for queue in queues())
    return Check(not words, ", ".join(words) or f"nothing late, {dead} dead letters")


def _outbox() -> Check:
    late = lateness(OutboundMessage)
    paused = Installation.objects.exclude(outbound_paused_at=None).first()
    words = f"oldest {late:.0f} s late, {OutboundMessage.objects.dead().count()} dead letters"
    if paused is not None:
        words = f"paused ({paused.paused_because}): run manage.py resume_outbound; {words}"
    return Check(late <= MESSAGE_LATE, words)


def _seal() -> Check:
    waiting = unsealed_for()
    return Check(waiting <= SEAL_LATE, f"oldest entry without a seal: {waiting:.0f} s")


def unsealed_for() -> float:
    """Seconds since the oldest entry without a seal was written."""
    first = Unsealed.objects.order_by("seq").values("seq")[:1]
    return age(LedgerEntry.objects.filter(seq=models.Subquery(first)), "at") or 0.0


def jobs_late() -> float:
    """Seconds since the first background job should have begun."""
    return age(Schedule.objects.exclude(repeats=0).order_by("next_run"), "next_run") or 0.0


def lateness(model: type[DueRow]) -> float:
    """Seconds since the first open row could have been taken; leased or backing off is not late."""
    return age(model.objects.open().order_by("next_at", "pk"), "next_at") or 0.0


def kept_waiting(model: type[DueRow]) -> float:
    """Seconds since the first of the rows was due whose records others keep locked."""
    soon = Now() + datetime.timedelta(seconds=2 * LONGEST_LOOK)
    rows = model.objects.open().filter(next_at__lte=soon, last_error=BUSY)
    return age(rows.order_by("due_at"), "due_at") or 0.0


def age(rows: models.QuerySet[Any], column: str) -> float | None:
    """Seconds between the first row's column and the database's clock, never below zero."""
    age = models.ExpressionWrapper(Now() - models.F(column), models.DurationField())
    first = rows.values_list(age).first()
    return None if first is None else max(first[0].total_seconds(), 0.0)
