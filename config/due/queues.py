"""What the worker works through: queues of due rows, and claimants with a way of their own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, models

from config.due.models import DueRow
from config.due.rules import DELAYS, Delays

CHANNEL = "watchbill_due"

type Anchor = tuple[str, int]
"""A record that is locked for a row: its model's label and its key."""
type Many = Callable[[Sequence[tuple[Any, Any]]], None]


@dataclass(frozen=True)
class Effect:
    """What is to be done for one row, and what follows if it can't be done.

    `root()` locks what must be locked before the row, and returns it for `run` and `died`.
    `anchor` is that record where it is known before: such rows may share a transaction. `many`
    does so for rows of different records at once, given as pairs of row and root.
    """

    root: Callable[[], models.Model | None]
    run: Callable[[Any], None]
    anchor: Anchor | None = None
    many: Many | None = None
    delays: Delays = DELAYS
    died: Callable[[Any], None] | None = None


@dataclass(frozen=True)
class Queue:
    """A table of due rows whose effects are the database's own.

    `prepare` finds the effect of a row; None parks the row as a dead letter, to be retried once
    the code that knows it is installed.
    """

    name: str
    model: type[DueRow]
    prepare: Callable[[Any], Effect | None]
    describe: Callable[[Any], str]
    subject: Callable[[Any], models.Model | None]
    batch: int = 20
    threads: int = 1


@dataclass(frozen=True)
class Claimant:
    """A room's own loop: `run(limit)` does up to so much and says whether there is more."""

    name: str
    run: Callable[[int], bool]
    every: float
    limit: int
    lag: Callable[[], float] | None


_queues: dict[str, Queue] = {}
_claimants: dict[str, Claimant] = {}


def register_queue(queue: Queue) -> None:
    """Have the worker work through this table."""
    _queues[queue.name] = queue


def queues() -> list[Queue]:
    """All queues, in the order of their registration."""
    return list(_queues.values())


def claimant(
    name: str,
    *,
    every: float = 5.0,
    limit: int = 200,
    lag: Callable[[], float] | None = None,
) -> Callable[[Callable[[int], bool]], Callable[[int], bool]]:
    """Register a loop that claims rows in its own way, such as micro-batches of raw alerts.

    The worker calls `run(limit)` in a thread of its own, outside any transaction: again at once
    while it returns True, else after `wake(name)` or `every` seconds. It claims with SKIP LOCKED,
    so that several workers can run. `lag` says how many seconds old the oldest open row is.
    """

    def register(run: Callable[[int], bool]) -> Callable[[int], bool]:
        _claimants[name] = Claimant(name=name, run=run, every=every, limit=limit, lag=lag)
        return run

    return register


def claimants() -> list[Claimant]:
    """All claimants, in the order of their registration."""
    return list(_claimants.values())


def wake(name: str) -> None:
    """Wake the claimant of that name in every worker, once the caller's transaction commits.

    NOTIFY takes a lock that all committing transactions share: where thousands a second would
    call this, let the claimant look `every` few hundredths of a second instead.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, name])
