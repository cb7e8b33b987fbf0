"""Doing by hand, on a simulated clock, what the worker process does by the database's."""

import datetime
from contextlib import nullcontext
from dataclasses import dataclass

from django.db import transaction

from config import clock
from config.due.leases import Lease, lease_one
from config.due.models import DueRow, OutboundMessage
from config.due.performing import perform, perform_strictly
from config.due.queues import Queue, queues
from config.due.sending import attempt, capture_sends, is_captured

__all__ = ["capture_sends", "run_due"]

ENDLESS = 100_000


@dataclass(frozen=True)
class _Step:
    row: DueRow
    queue: Queue | None

    def run(self, lease: Lease, *, strict: bool) -> None:
        if self.queue is None:
            attempt(lease)
        elif strict:
            with transaction.atomic():  # a failure leaves the row as it was found
                perform_strictly(self.queue, lease)
        else:
            perform(self.queue, lease)


def run_due(now: datetime.datetime, *, strict: bool = True) -> int:
    """Do everything that is due at `now`, in the order of time, each at its own due time.

    Includes what falls due while doing it. Nothing leaves the house: messages count as sent, and
    `capture_sends()` around the call shows them. Strict: the first error of an effect is raised;
    else it is recorded and tried again as the worker would. Returns how many rows were done.
    """
    done = 0
    with nullcontext() if is_captured() else capture_sends():
        while step := _earliest(now):
            with clock.simulated(step.row.next_at):
                step.run(lease_one(step.row), strict=strict)
            done += 1
            if done > ENDLESS:
                raise RuntimeError("run_due finds no end: does an effect schedule itself at once?")
    return done


def _earliest(now: datetime.datetime) -> _Step | None:
    """The open row that comes first; deliveries and timers before messages at the same instant."""
    steps = []
    for queue in (*queues(), None):
        model: type[DueRow] = queue.model if queue else OutboundMessage
        row = model.objects.open().filter(next_at__lte=now).order_by("next_at", "pk").first()
        if row is not None:
            steps.append(_Step(row, queue))
    return min(steps, key=lambda step: step.row.next_at, default=None)
