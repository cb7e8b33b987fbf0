"""Claiming due rows: a claim commits a lease, which is a token, and `next_at` at its end.

Whoever does a row does it WHERE the token is still theirs: a worker that lost its lease finds no
row, and stops. Time is the database's clock, or the simulated one.
"""

import datetime
import uuid
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, models
from django.db.models.functions import Now

from config import clock
from config.due.faults import reach
from config.due.models import DueRow

MARGIN = datetime.timedelta(seconds=1.5)  # between this machine's clock and the database's
CLAIM = """
    WITH picked AS MATERIALIZED (
        SELECT id FROM {table}
        WHERE done_at IS NULL AND dead_at IS NULL AND next_at <= statement_timestamp()
            AND ({condition})
        ORDER BY next_at, id LIMIT %s FOR UPDATE SKIP LOCKED
    )
    UPDATE {table} AS row
    SET token = gen_random_uuid(), next_at = statement_timestamp() + make_interval(secs => %s),
        attempts = least(row.attempts + 1, 32767)
    FROM picked WHERE row.id = picked.id
    RETURNING row.*
"""
DONE = """
    UPDATE {table} SET done_at = %s, last_error = ''
    WHERE id = %s AND token = %s AND done_at IS NULL AND dead_at IS NULL
"""
# The record is locked already, and read when all that came before in this transaction was done.
DONE_AND_ROOT = """
    WITH mine AS (
        UPDATE {table} SET done_at = %s, last_error = ''
        WHERE id = %s AND token = %s AND done_at IS NULL AND dead_at IS NULL RETURNING id
    )
    SELECT {columns} FROM {root} AS root WHERE root.{key} = %s AND EXISTS (SELECT FROM mine)
"""
DONE_TOGETHER = """
    UPDATE {table} AS row SET done_at = %s, last_error = ''
    FROM unnest(%s::bigint[], %s::uuid[]) AS mine (id, token)
    WHERE row.id = mine.id AND row.token = mine.token
        AND row.done_at IS NULL AND row.dead_at IS NULL
    RETURNING row.id
"""
NEXT = """
    SELECT extract(epoch FROM next_at - clock_timestamp())::float8 FROM {table}
    WHERE done_at IS NULL AND dead_at IS NULL ORDER BY next_at LIMIT 1
"""


class Lease(NamedTuple):
    """The right to do one row until the lease ends. Sorts by what was due first.

    `row` is as it was claimed. Whoever changes a row's promise takes the token away, so the row
    is still like that for as long as the lease holds.
    """

    due_at: datetime.datetime
    pk: Any
    token: uuid.UUID
    attempts: int
    row: Any


def claim(
    model: type[DueRow], limit: int, condition: str = "TRUE", parameters: tuple[Any, ...] = ()
) -> list[Lease]:
    """Lease up to `limit` rows that are due; `condition` is SQL of our own, never a user's."""
    values = [*parameters, limit, settings.LEASE_SECONDS]
    rows = model._base_manager.raw(_statement(CLAIM, model, condition), values)
    leases = sorted(_lease(row) for row in rows)
    if leases:
        reach("after_claim")
    return leases


def _lease(row: DueRow) -> Lease:
    if row.token is None:
        raise ValueError("a row that was claimed has a token")
    return Lease(row.due_at, row.pk, row.token, row.attempts, row)


def lease_one(row: DueRow) -> Lease:
    """Lease this row, due or not: for what is done step by step on a simulated clock."""
    changes = {"token": uuid.uuid4(), "attempts": row.attempts + 1}
    rows = type(row).objects.filter(pk=row.pk)
    rows.update(**changes)
    return _lease(rows.get())


def held(model: type[DueRow], lease: Lease) -> models.QuerySet[Any]:
    """The row, while the lease is ours."""
    return model.objects.open().filter(pk=lease.pk, token=lease.token)


def is_ours(model: type[DueRow], lease: Lease) -> bool:
    """Whether the lease still holds. Before its time is over nobody else can take the row."""
    return clock.now() + MARGIN < lease.row.next_at or held(model, lease).exists()


def mark_done(model: type[DueRow], lease: Lease) -> bool:
    """Count it as done from here on, in the caller's transaction; False once the lease is lost."""
    with connection.cursor() as cursor:
        cursor.execute(_statement(DONE, model), [clock.now(), lease.pk, lease.token])
        return bool(cursor.rowcount)


def mark_done_together(model: type[DueRow], leases: Sequence[Lease]) -> set[Any]:
    """The same for several rows with numbers for keys; the keys of those that are still ours."""
    keys, tokens = [lease.pk for lease in leases], [lease.token for lease in leases]
    with connection.cursor() as cursor:
        cursor.execute(_statement(DONE_TOGETHER, model), [clock.now(), keys, tokens])
        return {pk for (pk,) in cursor.fetchall()}


def mark_done_of(
    model: type[DueRow], lease: Lease, root: type[models.Model], pk: int
) -> models.Model | None:
    """The same, and the root that the transaction has locked; None once the lease is lost."""
    rows = root._base_manager.raw(
        _statement_of(model, root), [clock.now(), lease.pk, lease.token, pk]
    )
    return next(iter(rows), None)


def release(model: type[DueRow], leases: list[Lease]) -> None:
    """Give back what was claimed and not begun, as if it had never been claimed."""
    for lease in leases:
        held(model, lease).update(token=None, next_at=Now(), attempts=models.F("attempts") - 1)


def put_back(model: type[DueRow], lease: Lease, seconds: float, why: str) -> None:
    """Give back what can't be done just now through no fault of its own, for so long."""
    held(model, lease).update(
        token=None, next_at=after(seconds), attempts=models.F("attempts") - 1, last_error=why
    )


def bound_transaction(patience: float) -> None:
    """Neither wait long for another's lock, nor keep our own locks should this process hang.

    A worker's few threads do everything that is due: one busy root must not hold them all, and a
    stopped worker must not hold a root for ever.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true),"
            " set_config('idle_in_transaction_session_timeout', %s, true)",
            [f"{patience * 1000:.0f}", f"{settings.LEASE_SECONDS * 1000:.0f}"],
        )


def after(seconds: float) -> Any:
    """That long after now: the database's now, or the simulated one."""
    now = clock.now() if clock.is_simulated() else Now()
    return now + datetime.timedelta(seconds=seconds)


def readable(text: str) -> str:
    """Text that a column takes: no NUL, and an end."""
    return text.replace("\0", "")[:2000]


def seconds_to_next(model: type[DueRow]) -> float | None:
    """Until the first open row can be taken, by the database's clock; None when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_statement(NEXT, model))
        found = cursor.fetchone()
    return found[0] if found else None


@cache
def _statement(template: str, model: type[DueRow], condition: str = "") -> str:
    return template.format(table=_quoted(model._meta.db_table), condition=condition)


@cache
def _statement_of(model: type[DueRow], root: type[models.Model]) -> str:
    return DONE_AND_ROOT.format(
        table=_quoted(model._meta.db_table),
        root=_quoted(root._meta.db_table),
        key=_quoted(str(root._meta.pk.column)),
        columns=", ".join(f"root.{_quoted(name)}" for name in _columns(root)),
    )


def _columns(model: type[models.Model]) -> Iterator[str]:
    """Those that code reads; what the database computes, such as words for its search, waits."""
    return (str(each.column) for each in model._meta.concrete_fields if not each.generated)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
