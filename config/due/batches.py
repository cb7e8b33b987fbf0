"""Doing many leased rows in few transactions, where that is safe; the others one by one.

Rows share a transaction when each says beforehand which record it locks. These records are locked
first, without waiting for any while another is held, so that two workers' batches can't
deadlock; then each row runs as it would alone: its record is read, and it is marked, when the row
before it has run. Should one fail, the transaction is rolled back as if it had never been, and
each of its rows is done by itself.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

import structlog
from django.apps import apps
from django.db import OperationalError, models, transaction

from config.due.faults import reach
from config.due.leases import Lease, bound_transaction, mark_done_of, mark_done_together
from config.due.models import DueRow
from config.due.performing import (
    is_database_trouble,
    is_locked,
    patience_for,
    perform,
    wait_for_lock,
)
from config.due.queues import Anchor, Effect, Many, Queue

log = structlog.get_logger(__name__)

# A shared transaction ends after the row in which this many seconds are over: its neighbours'
# effects become visible, and people's operations on the locked records go on.
LONGEST = 0.05
MOST_AT_ONCE = 10
PATIENCE = 0.1  # seconds for locks that effects take themselves; alone, they may wait longer


class Share(NamedTuple):
    """A row that may share a transaction."""

    lease: Lease
    effect: Effect
    anchor: Anchor


class RootsBusy(Exception):
    """Others are at work on the records of all the rows."""


def perform_all(queue: Queue, leases: list[Lease], is_over: Callable[[], bool]) -> None:
    """Do them, in the order of time where nothing stands against it, until `is_over`.

    What is done is taken off the list, so that the caller can give back what is left.
    """
    shares = [share for lease in leases if (share := _share_of(queue, lease))]
    groups: dict[Many | None, list[Share]] = defaultdict(list)
    for share in shares:
        groups[share.effect.many].append(share)
    for group in groups.values():
        _perform_together(queue, group, leases, is_over)
    while leases and not is_over():
        perform(queue, leases[0])
        del leases[0]


def _perform_together(
    queue: Queue, shares: list[Share], leases: list[Lease], is_over: Callable[[], bool]
) -> None:
    while len(shares) > 1 and not is_over():
        done = _try_together(queue, shares)
        if done is None:
            return
        if not done:  # their records are gone
            perform(queue, shares[0].lease)
            done = {shares[0].lease}
        shares = [share for share in shares if share.lease not in done]
        leases[:] = [lease for lease in leases if lease not in done]


def _share_of(queue: Queue, lease: Lease) -> Share | None:
    """None for what may only be done by itself: it has failed before, or locks who knows what."""
    if lease.attempts > 1:
        return None
    try:
        effect = queue.prepare(lease.row)
    except Exception:  # it will be raised again where it is noted
        return None
    return Share(lease, effect, effect.anchor) if effect and effect.anchor else None


def _try_together(queue: Queue, shares: list[Share]) -> set[Lease] | None:
    """Do some of them and commit; those that need no more work now. None where one has failed."""
    if shares[0].effect.many:
        shares = shares[:MOST_AT_ONCE]
    try:
        done = _together(queue, shares)
    except RootsBusy:
        for share in shares:
            wait_for_lock(queue, share.lease)
        return {share.lease for share in shares}
    except Exception as error:
        if is_database_trouble(error):
            raise
        log.warning("a batch failed; going one by one", queue=queue.name, exc_info=True)
        return None
    reach("after_commit_before_notify")
    return done


@transaction.atomic
def _together(queue: Queue, shares: list[Share]) -> set[Lease]:
    bound_transaction(min(PATIENCE, patience_for(shares[0].lease)))
    if many := shares[0].effect.many:
        return _at_once(queue.model, shares, many)
    return _in_turn(queue.model, shares)


def _in_turn(model: type[DueRow], shares: list[Share]) -> set[Lease]:
    anchors = {share.anchor for share in shares}
    free = lock_free(anchors) or _lock_first(shares[0].anchor, anchors)
    done: set[Lease] = set()
    end = time.monotonic() + LONGEST
    for share in shares:
        if share.anchor in free:
            _run(model, share)
            done.add(share.lease)
            if time.monotonic() > end:
                break
    return done


def _at_once(model: type[DueRow], shares: list[Share], many: Many) -> set[Lease]:
    """One row of each record. Nothing ran before them, so the records are as they were locked."""
    firsts = {share.anchor: share.lease for share in reversed(shares)}
    roots = lock_free(firsts, whole=True) or _lock_first(shares[0].anchor, firsts, whole=True)
    leases = {firsts[anchor]: root for anchor, root in roots.items()}
    mine = mark_done_together(model, list(leases))
    many([(lease.row, root) for lease, root in leases.items() if lease.pk in mine])
    reach("effect_before_commit")
    return set(leases)


def lock_free(anchors: Iterable[Anchor], *, whole: bool = False) -> dict[Anchor, models.Model]:
    """Lock those records that nobody else has locked, and read them where they are wanted whole."""
    wanted: dict[str, list[int]] = defaultdict(list)
    for label, pk in anchors:
        wanted[label].append(pk)
    free: dict[Anchor, models.Model] = {}
    for label in sorted(wanted):
        rows = apps.get_model(label)._base_manager.filter(pk__in=wanted[label]).order_by("pk")
        locked = rows.select_for_update(no_key=True, of=("self",), skip_locked=True)
        free |= {(label, row.pk): row for row in (locked if whole else locked.only("pk"))}
    return free


def _lock_first(
    first: Anchor, others: Iterable[Anchor], *, whole: bool = False
) -> dict[Anchor, models.Model]:
    """None is free: stand in line for one, which is safe while none is held; then as before."""
    label, pk = first
    rows = apps.get_model(label)._base_manager.select_for_update(no_key=True, of=("self",))
    try:
        list(rows.filter(pk=pk).values_list("pk"))
    except OperationalError as error:
        if is_locked(error):
            raise RootsBusy from error
        raise
    return lock_free(others, whole=whole)


def _run(model: type[DueRow], share: Share) -> None:
    label, pk = share.anchor
    root = mark_done_of(model, share.lease, apps.get_model(label), pk)
    if root is not None:
        share.effect.run(root)
        reach("effect_before_commit")
