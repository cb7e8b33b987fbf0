"""The one sealer: gives committed entries their leaves, signs a checkpoint, and publishes it."""

import logging
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from config.audit import entries, keys, merkle, notes, outside, succession
from config.audit.entries import Entry
from config.audit.models import Checkpoint, LogOrigin, Unsealed

LOCK = 7_235_101  # one sealer in the whole database
BATCH = 20_000
logger = logging.getLogger(__name__)


class SealRefused(RuntimeError):
    """Sealing would cover up a change of the log or of its key; the text says what to do."""


@dataclass(frozen=True, slots=True)
class SealStatus:
    """How far behind the seal is, for the health endpoint."""

    queued: int
    oldest_age: timedelta
    size: int
    sealed_at: datetime | None
    published: bool


def seal(*, wait: bool = True, using: str = "default") -> Checkpoint | None:
    """Seal every committed entry that has no leaf; the newest checkpoint, or None if none waited.

    While another process seals it waits, or, without `wait`, returns None. Raises `SealRefused`.
    """
    newest = None
    while checkpoint := _seal_batch(wait, using):
        newest = checkpoint
    return newest


def status(using: str = "default") -> SealStatus:
    """What waits, and what the newest checkpoint is."""
    queued = Unsealed.objects.using(using)
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT coalesce(now() - min(e.at), '0') {_QUEUE}")
        age = cursor.fetchone()[0]
    last = Checkpoint.objects.using(using).order_by("-pk").first()
    known = last and outside.newest(last.origin)
    return SealStatus(
        queued=queued.count(),
        oldest_age=age,
        size=last.size if last else 0,
        sealed_at=last.sealed_at if last else None,
        published=last is None or (known is not None and known.size >= last.size),
    )


def begin_origin(last_known_note: str, *, using: str = "default") -> LogOrigin:
    """After a restore: a new name for the log, naming the last checkpoint known outside."""
    with _sealer(True, using):
        last = Checkpoint.objects.using(using).order_by("-pk").first()
        return _new_origin(last_known_note, last.size if last else 0, using)


@contextmanager
def _sealer(wait: bool, using: str) -> Iterator[bool]:
    """A transaction that holds the sealer's lock; False where another has it."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        function = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
        cursor.execute(f"SELECT {function}(%s)", [LOCK])
        yield cursor.fetchone()[0] is not False


def _seal_batch(wait: bool, using: str) -> Checkpoint | None:
    with _sealer(wait, using) as mine, connections[using].cursor() as cursor:
        if not mine or not _waiting(cursor):
            return None
        return extend(cursor, keys.signing_key(), using)


@contextmanager
def alone(using: str = "default") -> Iterator[CursorWrapper]:
    """A transaction in which nobody else seals."""
    with _sealer(True, using), connections[using].cursor() as cursor:
        yield cursor


def extend(cursor: CursorWrapper, key: Ed25519PrivateKey, using: str) -> Checkpoint:
    """Seal one batch of what waits, signed by the key; for who holds the sealer's lock."""
    last = Checkpoint.objects.using(using).order_by("-pk").first()
    origin = LogOrigin.objects.using(using).order_by("-pk").first() or _new_origin("", 0, using)
    _refuse_if_altered(cursor, origin, last, using)
    batch = _take(cursor)
    tree = merkle.Frontier(last.size, map(bytes, last.frontier)) if last else merkle.Frontier()
    _append(cursor, tree, batch)
    checkpoint = _sign(cursor, origin.name, tree, last.pk + 1 if last else 1, key)
    checkpoint.save(using=using, force_insert=True)
    publish = partial(_publish, origin.name, checkpoint.size, checkpoint.note)
    transaction.on_commit(publish, using=using)
    return checkpoint


def _waiting(cursor: CursorWrapper) -> bool:
    cursor.execute(f"SELECT EXISTS (SELECT {_QUEUE})")
    return bool(cursor.fetchone()[0])


def _take(cursor: CursorWrapper) -> list[Entry]:
    """The committed entries of the queue, by sequence. A late commit is simply taken later."""
    cursor.execute(f"SELECT {entries.COLUMNS} {_QUEUE} ORDER BY e.seq LIMIT %s", [BATCH])
    return [Entry(*row) for row in cursor.fetchall()]


def _append(cursor: CursorWrapper, tree: merkle.Frontier, batch: Sequence[Entry]) -> None:
    start = tree.size
    hashes = [entry.leaf_hash() for entry in batch]
    for each in hashes:
        tree.append(each)
    seqs = [entry.seq for entry in batch]
    cursor.execute(
        'INSERT INTO audit_leaf ("index", seq, hash) '
        "SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bytea[])",
        [list(range(start, tree.size)), seqs, hashes],
    )
    cursor.execute("DELETE FROM audit_unsealed WHERE seq = ANY(%s::bigint[])", [seqs])


def _sign(
    cursor: CursorWrapper, origin: str, tree: merkle.Frontier, number: int, key: Ed25519PrivateKey
) -> Checkpoint:
    cursor.execute("SELECT clock_timestamp()")  # true even while a simulation sets our clock
    at = cursor.fetchone()[0].astimezone(UTC)
    head = notes.TreeHead(origin, tree.size, tree.root())
    return Checkpoint(
        id=number,
        origin=origin,
        size=tree.size,
        root=head.root,
        note=notes.sign(head.text() + sealed_line(at), origin, key),
        frontier=tree.nodes,
        key_id=notes.key_id(origin, key.public_key()).hex(),
        sealed_at=at,
    )


def sealed_line(at: datetime) -> str:
    """The checkpoint's extension line, so that its time is signed too."""
    return f"sealed {at.isoformat(timespec='microseconds')}\n"


def _refuse_if_altered(
    cursor: CursorWrapper, origin: LogOrigin, last: Checkpoint | None, using: str
) -> None:
    """Appending to a log that lost its tail would hide the loss: entries wait instead."""
    cursor.execute('SELECT coalesce(max("index") + 1, 0) FROM audit_leaf')
    leaves, size = cursor.fetchone()[0], last.size if last else 0
    if leaves != size:
        raise SealRefused(
            f"The tree has {leaves} leaves, the newest checkpoint says {size}. Run audit_verify."
        )
    if last and (text := succession.complaint(last, using=using)):
        raise SealRefused(str(text))
    _refuse_if_behind(origin.name, size)


def _refuse_if_behind(origin: str, size: int) -> None:
    known = outside.newest(origin)
    if known is not None and known.size > size:
        raise SealRefused(
            f"The database has {size} leaves, the checkpoint {known.path.name} outside says "
            f"{known.size}. Run audit_verify; after a restore, restore begins a new log origin."
        )


def _new_origin(note: str, size: int, using: str) -> LogOrigin:
    name = f"watchbill/{secrets.token_hex(8)}"
    row = LogOrigin(name=name, previous_note=note, began_at_size=size)
    row.save(using=using, force_insert=True)
    return row


def _publish(origin: str, size: int, note: str) -> None:
    """After the commit. A folder that can't be written shows in `status`, and stops nobody."""
    try:
        outside.publish(origin, size, note)
    except OSError as error:
        logger.error(  # noqa: TRY400  (the trace says nothing more)
            "checkpoint %d could not be published: %s", size, error
        )


# What lies before the queue is of no interest, however long it is: a plan must not read it.
_FIRST = "(SELECT min(seq) FROM audit_unsealed)"
_QUEUE = (
    f"FROM audit_unsealed u JOIN audit_ledger e ON e.seq = u.seq AND e.seq >= {_FIRST} "  # nosec B608
    f"WHERE NOT EXISTS (SELECT FROM audit_leaf f WHERE f.seq = u.seq AND f.seq >= {_FIRST})"
)
