"""Rotating the signing key: the old one seals what waits, the new one all that follows."""

from collections.abc import Callable

from django.db import transaction

from config.audit import keys, notes, succession
from config.audit.models import Checkpoint, Leaf, LedgerEntry, SigningKey
from config.audit.sealing import SealRefused, alone, extend, seal
from config.audit.succession import Succession


def rotate(
    announce: Callable[[Succession], object] = lambda made: None, *, using: str = "default"
) -> Succession:
    """Make a new key, have both sign the hand-over, seal that with the new one, put it in place.

    `announce` is called within the transaction that enters the hand-over into the log. A rotation
    that was cut short after its commit is brought to its end instead. The old private key is
    removed; copies of it sign nothing any more. Raises `SealRefused`, `KeyProblem`, `OSError`.
    """
    keys.signing_key()  # a key to rotate, and its folder
    with keys.held():
        made = _unfinished(using)
        if made is None:
            seal(using=using)  # so that the new key begins with what was never sealed
            made = _enter(announce, using)
        keys.install_next(made.older, made.older_id, made.note)
    return made


def enter_kept(using: str = "default") -> int:
    """Enter the kept hand-overs that the log does not know; how many there were.

    After a restore of a backup from before a rotation: without them the present key would be a
    stranger to the log.
    """
    last = Checkpoint.objects.using(using).order_by("-pk").first()
    if last is None or not keys.private_path().exists():
        return 0
    if not succession.complaint(last, using=using):
        return 0
    missing = succession.kept_since(last)
    for each in missing:
        _save(each, using)
    return len(missing)


def _unfinished(using: str) -> Succession | None:
    """The hand-over to a key that still waits to be put in place."""
    waiting = keys.next_key()
    newest = SigningKey.objects.using(using).order_by("-pk").first()
    made = succession.read(newest.statement) if newest else None
    if waiting is None or made is None:
        return None
    return made if notes.raw_key(made.newer) == notes.raw_key(waiting.public_key()) else None


def _enter(announce: Callable[[Succession], object], using: str) -> Succession:
    with transaction.atomic(using=using, durable=True), alone(using) as cursor:
        last = Checkpoint.objects.using(using).order_by("-pk").first()
        if last is None:
            raise SealRefused("Nothing is recorded yet, so the key can simply be replaced.")
        old, new = keys.signing_key(), keys.make_next()
        made = succession.state(last.origin, last.size, old, new)
        row = _save(made, using)
        announce(made)
        extend(cursor, new, using)
        seqs = LedgerEntry.objects.using(using).filter(
            table_name=SigningKey._meta.db_table, row_key=str(row.pk)
        )
        if not Leaf.objects.using(using).filter(seq__in=seqs.values("seq")).exists():
            raise SealRefused("Too much was recorded just now. Nothing was changed: run it again.")
    return made


def _save(made: Succession, using: str) -> SigningKey:
    return SigningKey.objects.using(using).create(
        key_id=made.newer_id, public_key=notes.raw_key(made.newer), statement=made.note
    )
