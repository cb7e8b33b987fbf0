"""How one signing key hands over to the next: a statement that both sign, kept in the log itself.

It names the size up to which the older key has sealed. Beyond that size the older key's signature
counts for nothing, whoever may hold a copy of it.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.db import connections

from config.audit import keys, notes
from config.audit.models import Checkpoint

HEADING = "watchbill signing key succession"
type Known = tuple["Succession", int]


@dataclass(frozen=True, slots=True)
class Succession:
    """One hand-over whose two signatures hold."""

    origin: str
    older: Ed25519PublicKey
    newer: Ed25519PublicKey
    size: int
    note: str

    @property
    def older_id(self) -> str:
        """The older key's id in this log."""
        return notes.key_id(self.origin, self.older).hex()

    @property
    def newer_id(self) -> str:
        """The newer key's id in this log."""
        return notes.key_id(self.origin, self.newer).hex()


class Complaint(NamedTuple):
    """Why a key must not sign, and what to do about it."""

    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.problem}. {self.remedy}"


class Signers:
    """The keys of one line of succession, newest first, each with the size that it may sign to."""

    def __init__(self, reigns: Iterable[tuple[Ed25519PublicKey, int | None]]) -> None:
        self._reigns = tuple(reigns)

    @property
    def keys(self) -> list[Ed25519PublicKey]:
        """All of them, newest first."""
        return [key for key, _ in self._reigns]

    def signed(self, note: notes.SignedNote, name: str, size: int) -> bool:
        """Whether a key that could sign a tree of this size has signed."""
        return any(note.verified_by(name, key) for key in self._until(size))

    def ever_signed(self, note: notes.SignedNote, name: str) -> bool:
        """Whether any of them has signed, in its time or not."""
        return any(note.verified_by(name, key) for key in self.keys)

    def knows(self, origin: str, key_id: str, size: int) -> bool:
        """Whether the key of that id could sign a tree of this size."""
        return any(notes.key_id(origin, key).hex() == key_id for key in self._until(size))

    def limits(self) -> dict[bytes, int | None]:
        """The raw keys, each with the size that it may sign to."""
        return {notes.raw_key(key): until for key, until in self._reigns}

    def _until(self, size: int) -> list[Ed25519PublicKey]:
        return [key for key, until in self._reigns if until is None or size <= until]


def state(origin: str, size: int, old: Ed25519PrivateKey, new: Ed25519PrivateKey) -> Succession:
    """The statement, signed by both: up to `size` leaves the old key has sealed."""
    older, newer = old.public_key(), new.public_key()
    lines = [HEADING, origin, _text(older), _text(newer), str(size)]
    note = notes.sign("\n".join(lines) + "\n", origin, old, new)
    return Succession(origin, older, newer, size, note)


def read(statement: str) -> Succession | None:
    """The hand-over, if it is one and both keys signed it."""
    try:
        note = notes.parse(statement)
        heading, origin, old, new, size = note.text.splitlines()
        older, newer = _key(old), _key(new)
        found = Succession(origin, older, newer, int(size[:20]), statement)
    except ValueError:
        return None
    signed = note.verified_by(origin, older) and note.verified_by(origin, newer)
    return found if signed and heading == HEADING else None


def signers(present: Ed25519PublicKey, *, using: str = "default") -> Signers:
    """The present key, and those before it whose statements in the log lead to it."""
    return _line(present, _entered(using))


def kept_signers() -> Signers:
    """The same from the files beside the key, for checks without a database."""
    found = filter(None, map(read, keys.kept_statements()))
    return _line(keys.public_key(), [(each, each.size) for each in found])


def kept_since(last: Checkpoint) -> list[Succession]:
    """The kept hand-overs from the key of this checkpoint to the present one, oldest first."""
    found = filter(None, map(read, keys.kept_statements()))
    steps: list[Succession] = []
    for each, _ in _steps(keys.public_key(), [(each, each.size) for each in found]):
        steps.insert(0, each)
        if notes.key_id(last.origin, each.older).hex() == last.key_id:
            return steps
    return []


def successor(key: Ed25519PublicKey, *, using: str = "default") -> Succession | None:
    """By what the key was succeeded, as the log says."""
    older = notes.raw_key(key)
    found = (each for each, _ in _entered(using) if notes.raw_key(each.older) == older)
    return next(found, None)


def statements(present: Ed25519PublicKey, *, using: str = "default") -> list[str]:
    """The hand-overs that led to the key, oldest first: they go along in packs."""
    return [each.note for each, _ in reversed(_steps(present, _entered(using)))]


def complaint(last: Checkpoint, *, using: str = "default") -> Complaint | None:
    """Why the key that is here must not sign after this checkpoint; None where it may."""
    present = keys.signing_key().public_key()
    if last.key_id == notes.key_id(last.origin, present).hex():
        return None
    if signers(present, using=using).knows(last.origin, last.key_id, last.size):
        return None
    path = keys.private_path()
    if (later := successor(present, using=using)) is None:
        remedy = "Put that one back from where it is kept."
        return Complaint(f"The key in {path} is not the one that signed so far", remedy)
    if keys.next_path().exists():
        remedy = "Run manage.py rotate_signing_key again: it brings that to its end."
        return Complaint(f"A rotation of {path} was cut short", remedy)
    remedy = "Copy that one here from the machine where rotate_signing_key ran."
    return Complaint(f"The key in {path} was succeeded by {later.newer_id}", remedy)


def _line(present: Ed25519PublicKey, known: Iterable[Known]) -> Signers:
    steps = _steps(present, known)
    return Signers([(present, None), *((each.older, until) for each, until in steps)])


def _steps(present: Ed25519PublicKey, known: Iterable[Known]) -> list[Known]:
    """From the present key backwards; each hand-over counts once, so that a circle has an end."""
    by_newer: dict[bytes, Known] = {}
    for each, until in known:
        by_newer.setdefault(notes.raw_key(each.newer), (each, until))
    steps: list[Known] = []
    key = notes.raw_key(present)
    while (step := by_newer.pop(key, None)) is not None:
        steps.append(step)
        key = notes.raw_key(step[0].older)
    return steps


def _entered(using: str) -> list[Known]:
    """The hand-overs in the log, newest first, and the size up to which the older key counts.

    A restore can bring back a log from before a rotation and enter its statement again: then the
    older key counts up to the statement's own leaf, which is less than what it once had sealed.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(
            'SELECT k.statement, f."index" FROM audit_signing_key k LEFT JOIN audit_ledger e'
            " ON e.table_name = 'audit_signing_key' AND e.row_key = k.id::text"
            " LEFT JOIN audit_leaf f ON f.seq = e.seq ORDER BY k.id DESC"
        )
        rows = cursor.fetchall()
    found = ((read(statement), index) for statement, index in rows)
    return [
        (each, each.size if index is None else min(each.size, index))
        for each, index in found
        if each is not None
    ]


def _key(text: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))


def _text(key: Ed25519PublicKey) -> str:
    return base64.b64encode(notes.raw_key(key)).decode()
