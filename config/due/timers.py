"""The queue of timers."""

from typing import Any

from django.db import models

from config.due.models import Timer
from config.due.operations import locked_root, subject_of, timer_kind
from config.due.queues import Effect, Queue


def prepare(timer: Timer) -> Effect | None:
    """The effect of its kind; nothing happens to a root that is gone."""
    kind = timer_kind(timer.kind)
    if kind is None:
        return None

    def root() -> models.Model | None:
        return kind.lock(timer) if kind.lock else locked_root(timer)

    def run(found: Any) -> None:
        if found is not None:
            kind.effect(timer, found)

    def died(found: Any) -> None:
        if kind.died is not None and found is not None:
            kind.died(timer, found)

    return Effect(
        root=root,
        run=run,
        anchor=None if kind.lock else (timer.root_type, timer.root_id),
        many=kind.many,
        delays=kind.retries,
        died=died,
    )


# Two threads: one slow effect must not make the next timer late.
QUEUE = Queue(
    name="timers",
    model=Timer,
    prepare=prepare,
    describe=lambda timer: f"the timer {timer.kind}",
    subject=subject_of,
    threads=2,
)
