"""Doing one leased row exactly once, in a transaction of its own, and what follows if it fails.

The transaction locks the root, then marks the row done WHERE the token is still ours, then runs
the effect. One row's failure touches no other.
"""

from collections.abc import Callable
from typing import Any

import psycopg.errors
import structlog
from django.db import InterfaceError, OperationalError, connection, models, transaction

from config import clock
from config.due.announcing import announce
from config.due.faults import reach
from config.due.leases import (
    Lease,
    after,
    bound_transaction,
    held,
    mark_done,
    put_back,
    readable,
)
from config.due.models import DueRow
from config.due.queues import Effect, Queue
from config.due.rules import BUSY, delay_after, lock_delay, parked
from config.sqlstates import is_shortage

log = structlog.get_logger(__name__)

AT_ONCE = 3  # deadlocks and the like are tried again this often before they count as a failure
PASSING = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)
# Seconds to stand in line for a lock: those before us are done by then, or not for a long time.
PATIENCE = 0.25
IMPATIENCE = 0.02  # once that was in vain: a thread has other rows to do
LAST_PATIENCE = 2.0  # for writing down how it ended


def perform(queue: Queue, lease: Lease) -> None:
    """Do the row, or note why not. Raises only when the database is gone, or has no room left."""
    try:
        perform_strictly(queue, lease)
        reach("after_commit_before_notify")
    except Exception as error:  # whatever it is, its neighbours go on
        if is_database_trouble(error):
            raise
        _note_failure(queue, lease, error)


def perform_strictly(queue: Queue, lease: Lease) -> None:
    """Do the row; what the effect raises is the caller's, with everything rolled back."""
    effect = queue.prepare(lease.row)
    if effect is None:
        _bury(queue, lease, None, parked(queue.describe(lease.row)))
    elif lease.attempts > len(effect.delays) + 1:
        # The worker itself died each time: without this a poisonous row would kill it for ever.
        _bury(queue, lease, effect, f"{lease.attempts - 1} attempts ended without a trace.")
    else:
        _do_through_deadlocks(queue.model, lease, effect)


def is_database_trouble(error: Exception) -> bool:
    """Whether the database is gone or has no room left: nothing can be done or noted now."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    return not connection.is_usable() or is_shortage(error)


def run_effect(model: type[DueRow], lease: Lease, effect: Effect) -> None:
    """In the caller's transaction: lock the root, mark the row if it is still ours, then act."""
    root = effect.root()
    # Marked first, so that the effect can schedule itself again under the same key.
    if mark_done(model, lease):
        effect.run(root)
        reach("effect_before_commit")


def patience_for(lease: Lease) -> float:
    """Seconds to stand in line for its record's lock."""
    return IMPATIENCE if lease.row.last_error == BUSY else PATIENCE


def is_locked(error: Exception) -> bool:
    """Whether somebody else's lock was in the way for longer than we wait."""
    return isinstance(error.__cause__, psycopg.errors.LockNotAvailable)


def wait_for_lock(queue: Queue, lease: Lease) -> None:
    """Somebody else is at work on its record: no failure of the row, and soon over."""
    late = (clock.now() - lease.due_at).total_seconds()
    put_back(queue.model, lease, lock_delay(late), BUSY)
    log.info("due row waits for a lock", queue=queue.name, row=str(lease.pk), late=round(late, 3))


def _do_through_deadlocks(model: type[DueRow], lease: Lease, effect: Effect) -> None:
    for remaining in reversed(range(AT_ONCE)):
        try:
            _do(model, lease, effect)
        except OperationalError as error:
            if not (remaining and isinstance(error.__cause__, PASSING)):
                raise
        else:
            return


@transaction.atomic
def _do(model: type[DueRow], lease: Lease, effect: Effect) -> None:
    bound_transaction(patience_for(lease))
    run_effect(model, lease, effect)


def _note_failure(queue: Queue, lease: Lease, error: Exception) -> None:
    try:
        if is_locked(error):
            wait_for_lock(queue, lease)
        else:
            _failed(queue, lease, error)
    except OperationalError as trouble:
        if is_database_trouble(trouble):
            raise
        if is_locked(trouble):
            wait_for_lock(queue, lease)
        else:
            log.exception("a failure could not be noted; the lease will end", row=str(lease.pk))


def _failed(queue: Queue, lease: Lease, error: Exception) -> None:
    if not held(queue.model, lease).exists():
        return
    log.error("due row failed", queue=queue.name, row=str(lease.pk), exc_info=error)
    text = readable(f"{type(error).__name__}: {error}")
    effect = _prepared(queue, lease.row)
    delay = delay_after(lease.attempts, effect.delays) if effect else None
    if delay is None:
        _bury(queue, lease, effect, text)
    else:
        held(queue.model, lease).update(token=None, next_at=after(delay), last_error=text)


def _prepared(queue: Queue, row: DueRow) -> Effect | None:
    try:
        return queue.prepare(row)
    except Exception:  # it may be what failed
        return None


@transaction.atomic
def _bury(queue: Queue, lease: Lease, effect: Effect | None, text: str) -> None:
    """Make it a dead letter, say so, and let its kind fall back."""
    bound_transaction(LAST_PATIENCE)
    root = apart(effect.root) if effect else None
    changes = {"dead_at": clock.now(), "token": None, "last_error": text}
    if not held(queue.model, lease).update(**changes):
        return
    row = lease.row
    log.error("due row is a dead letter", queue=queue.name, row=str(row.pk), reason=text)
    if effect and effect.died:
        apart(effect.died, root)
    apart(announce_death, queue.name, row, queue.subject(row), queue.describe(row), text)


def announce_death(
    table: str, row: DueRow, subject: models.Model | None, what: str, text: str
) -> None:
    """Record `due.dead`: what was promised and will not happen by itself any more."""
    announce("due.dead", subject, reason=text, table=table, row=str(row.pk), what=what)


def apart(run: Callable[..., Any], *arguments: Any) -> Any:
    """Run it in a savepoint: should it fail, that is logged, and the rest stands.

    Deadlocks, locks held too long and a lost connection are raised: they pass.
    """
    try:
        with transaction.atomic():
            return run(*arguments)
    except OperationalError:
        raise
    except Exception:
        log.exception("a fallback failed")
        return None
