"""Claiming due rows, and doing each exactly once in a transaction of its own.

A claim commits a lease: a token, and `next_at` at its end. The effect's transaction locks the
root, then marks the row done WHERE the token is still ours, then runs the effect: whoever lost
the lease finds no row and stops. Time is the database's clock, or the simulated one.
"""

import datetime
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import psycopg.errors
import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, models, transaction
from django.db.models.functions import Now
from psycopg import sql

from config import clock
from config.due.announcing import announce
from config.due.faults import reach
from config.due.models import DueRow
from config.due.queues import Effect, Queue
from config.due.rules import delay_after

log = structlog.get_logger(__name__)

AT_ONCE = 3  # deadlocks and the like are tried again this often before they count as a failure
PASSING = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)
SHORTAGE = ("53", "58")  # classes of SQLSTATE: insufficient resources, system error
LOCK_PATIENCE = "2s"
CLAIM = """
    WITH picked AS MATERIALIZED (
        SELECT {key} AS key FROM {table}
        WHERE done_at IS NULL AND dead_at IS NULL AND next_at <= statement_timestamp()
            AND ({condition})
        ORDER BY next_at, {key} LIMIT %s FOR UPDATE SKIP LOCKED
    )
    UPDATE {table} AS row
    SET token = gen_random_uuid(), next_at = statement_timestamp() + make_interval(secs => %s),
        attempts = least(row.attempts + 1, 32767)
    FROM picked WHERE row.{key} = picked.key
    RETURNING row.due_at, row.{key}, row.token, row.attempts
"""


class Lease(NamedTuple):
    """The right to do one row until the lease ends. Sorts by what was due first."""

    due_at: datetime.datetime
    pk: Any
    token: uuid.UUID
    attempts: int


def claim(
    model: type[DueRow], limit: int, condition: str = "TRUE", parameters: tuple[Any, ...] = ()
) -> list[Lease]:
    """Lease up to `limit` rows that are due; `condition` is SQL of our own, never a user's."""
    statement = sql.SQL(CLAIM).format(
        key=sql.Identifier("id"),
        table=sql.Identifier(model._meta.db_table),
        condition=sql.SQL(condition),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*parameters, limit, settings.LEASE_SECONDS])
        leases = sorted(Lease(*found) for found in cursor.fetchall())
    if leases:
        reach("after_claim")
    return leases


def lease_one(row: DueRow) -> Lease:
    """Lease this row, due or not: for what is done step by step on a simulated clock."""
    token = uuid.uuid4()
    attempts = row.attempts + 1
    type(row).objects.filter(pk=row.pk).update(token=token, attempts=attempts)
    return Lease(row.due_at, row.pk, token, attempts)


def held(model: type[DueRow], lease: Lease) -> models.QuerySet[Any]:
    """The row, while the lease is ours."""
    return model.objects.open().filter(pk=lease.pk, token=lease.token)


def is_shortage(error: BaseException) -> bool:
    """Whether the database lacks room, memory or a working disk: no row is to blame for that."""
    return (getattr(error.__cause__, "sqlstate", None) or "")[:2] in SHORTAGE


def release(model: type[DueRow], leases: list[Lease]) -> None:
    """Give back what was claimed and not begun, as if it had never been claimed."""
    for lease in leases:
        held(model, lease).update(token=None, next_at=Now(), attempts=models.F("attempts") - 1)


def perform(queue: Queue, lease: Lease) -> None:
    """Do the row, or note why not. Raises only when the database is gone, or has no room left."""
    try:
        perform_strictly(queue, lease)
        reach("after_commit_before_notify")
    except (OperationalError, InterfaceError) as error:
        if not connection.is_usable() or is_shortage(error):
            raise
        _note_failure(queue, lease, error)
    except Exception as error:  # whatever it is, its neighbours go on
        _note_failure(queue, lease, error)


def perform_strictly(queue: Queue, lease: Lease) -> None:
    """Do the row; what the effect raises is the caller's, with everything rolled back."""
    row = held(queue.model, lease).first()
    if row is None:
        return
    effect = queue.prepare(row)
    if effect is None:
        text = f"No code here knows {queue.describe(row)}: install it, retry."
        _bury(queue, row, None, text)
    elif lease.attempts > len(effect.delays) + 1:
        # The worker itself died each time: without this a poisonous row would kill it for ever.
        _bury(queue, row, effect, f"{lease.attempts - 1} attempts ended without a trace.")
    else:
        _do_through_deadlocks(queue.model, lease, effect)


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
    bound_transaction()
    root = effect.root()
    # Marked first, so that the effect can schedule itself again under the same key.
    if held(model, lease).update(done_at=clock.now(), last_error=""):
        effect.run(root)
        reach("effect_before_commit")


def bound_transaction() -> None:
    """Neither wait long for another's lock, nor keep our own locks should this process hang.

    A worker's few threads do everything that is due: one busy root must not hold them all, and a
    stopped worker must not hold a root for ever.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true),"
            " set_config('idle_in_transaction_session_timeout', %s, true)",
            [LOCK_PATIENCE, f"{settings.LEASE_SECONDS * 1000:.0f}"],
        )


def _note_failure(queue: Queue, lease: Lease, error: Exception) -> None:
    try:
        _failed(queue, lease, error)
    except OperationalError:
        if not connection.is_usable():
            raise
        log.exception("a failure could not be noted; the lease will end", row=str(lease.pk))


def _failed(queue: Queue, lease: Lease, error: Exception) -> None:
    row = held(queue.model, lease).first()
    if row is None:
        return
    log.error("due row failed", queue=queue.name, row=str(row.pk), exc_info=error)
    text = readable(f"{type(error).__name__}: {error}")
    effect = _prepared(queue, row)
    delay = delay_after(lease.attempts, effect.delays) if effect else None
    if delay is None:
        _bury(queue, row, effect, text)
    else:
        held(queue.model, lease).update(token=None, next_at=after(delay), last_error=text)


def _prepared(queue: Queue, row: DueRow) -> Effect | None:
    try:
        return queue.prepare(row)
    except Exception:  # it may be what failed
        return None


@transaction.atomic
def _bury(queue: Queue, row: DueRow, effect: Effect | None, text: str) -> None:
    """Make it a dead letter, say so, and let its kind fall back."""
    bound_transaction()
    root = apart(effect.root) if effect else None
    mine = queue.model.objects.open().filter(pk=row.pk, token=row.token)
    if not mine.update(dead_at=clock.now(), token=None, last_error=text):
        return
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


def after(seconds: float) -> Any:
    """That long after now: the database's now, or the simulated one."""
    now = clock.now() if clock.is_simulated() else Now()
    return now + datetime.timedelta(seconds=seconds)


def readable(text: str) -> str:
    """Text that a column takes: no NUL, and an end."""
    return text.replace("\0", "")[:2000]


def seconds_to_next(model: type[DueRow]) -> float | None:
    """Until the first open row can be taken, by the database's clock; None when there is none."""
    statement = sql.SQL(
        "SELECT extract(epoch FROM next_at - clock_timestamp())::float8 FROM {}"
        " WHERE done_at IS NULL AND dead_at IS NULL ORDER BY next_at LIMIT 1"
    ).format(sql.Identifier(model._meta.db_table))
    with connection.cursor() as cursor:
        cursor.execute(statement)
        found = cursor.fetchone()
    return found[0] if found else None
