"""The leaves in their order, every checkpoint's root and signature, and the checkpoints outside."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.backends.utils import CursorWrapper

from config.audit import merkle, notes
from config.audit.findings import LAST, Finding
from config.audit.sealing import sealed_line
from config.audit.succession import Signers

RANGE = 20_000


@dataclass(frozen=True, slots=True)
class Witness:
    """A checkpoint from outside, and where it came from."""

    head: notes.TreeHead
    source: str


@dataclass(frozen=True, slots=True)
class TreeResult:
    """Sizes, the root, the first break. `since`: leaves from there on are not vouched for."""

    leaves: int
    checkpoints: int
    root: bytes
    broken: Finding | None
    since: int | None = None


@dataclass(frozen=True, slots=True)
class Seal:
    """A row of the checkpoint table."""

    id: int
    origin: str
    size: int
    root: bytes
    note: str
    frontier: list[bytes]
    key_id: str
    sealed_at: datetime


class TreeCheck:
    """One walk over the leaves, with the checkpoints that fall due on the way."""

    def __init__(
        self,
        cursor: CursorWrapper,
        signers: Signers,
        witnesses: Sequence[Witness],
        progress: Callable[[int], None],
    ) -> None:
        self._cursor = cursor
        self._signers = signers
        self._witnesses = sorted(witnesses, key=lambda each: each.head.size)
        self._progress = progress
        self._tree = merkle.Frontier()
        self._vouched = 0  # leaves under the last checkpoint that was right
        self._seals = 0  # checkpoints in the database that were right
        self._sealed = 0  # leaves under the last of them
        self._seq = -1  # of the last leaf

    def run(self) -> TreeResult:
        """Walk to the end, or to the first break."""
        broken = self._walk() or self._end()
        leaves, checkpoints = self._counts()
        since = self._vouched if broken else None
        return TreeResult(leaves, checkpoints, self._tree.root(), broken, since)

    def _walk(self) -> Finding | None:
        for leaves in self._ranges():
            stops = self._stops(self._tree.size + len(leaves))
            for index, seq, digest, entered in leaves:
                if broken := self._leaf(index, seq, entered):
                    return broken
                self._tree.append(digest)
                self._seq = seq
                if self._tree.size in stops and (broken := self._stop(stops[self._tree.size])):
                    return broken
            self._progress(self._tree.size)
        return None

    def _ranges(self) -> Iterator[list[tuple[int, int, bytes, bool]]]:
        last = -1
        while True:
            self._cursor.execute(
                """
                SELECT f."index", f.seq, f.hash, e.seq IS NOT NULL
                FROM (SELECT * FROM audit_leaf WHERE "index" > %s ORDER BY "index" LIMIT %s) f
                LEFT JOIN audit_ledger e ON e.seq = f.seq ORDER BY f."index"
                """,
                [last, RANGE],
            )
            if not (leaves := self._cursor.fetchall()):
                return
            yield leaves
            last = leaves[-1][0]

    def _leaf(self, index: int, seq: int, entered: bool) -> Finding | None:
        expected = self._tree.size
        if index != expected:
            return self._at_leaf("ledger_altered", f"leaf {expected} is gone")
        if not entered:
            detail = f"leaf {index} seals an entry that is gone from the ledger"
            return Finding("ledger_altered", "audit_ledger", str(seq), seq, index, detail, seq)
        return None

    def _stops(self, until: int) -> dict[int, list[Seal | Witness]]:
        """Checkpoints, inside and outside, that speak of a size within the next range."""
        stops: dict[int, list[Seal | Witness]] = {}
        for seal in self._read_seals("size > %s AND size <= %s", [self._tree.size, until]):
            stops.setdefault(seal.size, []).append(seal)
        for witness in self._witnesses:
            if self._tree.size < witness.head.size <= until:
                stops.setdefault(witness.head.size, []).append(witness)
        return stops

    def _stop(self, stops: list[Seal | Witness]) -> Finding | None:
        root, inside = self._tree.root(), False
        for each in stops:
            if isinstance(each, Seal):
                if broken := self._seal(each, root):
                    return broken
                self._seals, self._sealed, inside = each.id, each.size, True
            elif each.head.root != root:
                return self._contradicted(each, inside)
        self._vouched = self._tree.size
        return None

    def _seal(self, seal: Seal, root: bytes) -> Finding | None:
        if complaint := self._unsigned(seal):
            return self._altered(seal.id, complaint)
        if seal.id != self._seals + 1:
            return self._altered(self._seals + 1, "the checkpoint is gone")
        if seal.root != root:
            detail = f"the leaves from {self._vouched} to {seal.size - 1} are not what was sealed"
            return self._at_leaf("ledger_altered", detail, self._vouched)
        return None

    def _unsigned(self, seal: Seal) -> str | None:
        """Why the row is not what was signed."""
        try:
            note = notes.parse(seal.note)
        except notes.NoteError as error:
            return str(error)
        head = notes.TreeHead(seal.origin, seal.size, seal.root)
        if note.text != head.text() + sealed_line(seal.sealed_at):
            return "the checkpoint says other than its signed note"
        if not self._signers.signed(note, seal.origin, seal.size):
            late = self._signers.ever_signed(note, seal.origin)
            who = "a key that had been succeeded" if late else "no trusted key"
            return f"{who} signed the checkpoint"
        if seal.key_id not in {each.key_id.hex() for each in note.signatures}:
            return "the checkpoint names another key than its note"
        if seal.frontier != self._tree.nodes and seal.root == self._tree.root():
            return "the checkpoint's subtrees are not the tree's"
        return None

    def _end(self) -> Finding | None:
        """After the last leaf: checkpoints of leaves that are not there, and the reverse."""
        size = self._tree.size
        beyond = next(self._read_seals("size > %s", [size]), None)
        said = [(each.head.size, each.source) for each in self._witnesses if each.head.size > size]
        if beyond and (complaint := self._unsigned(beyond)):
            return self._altered(beyond.id, complaint)
        if beyond:
            said.append((beyond.size, f"checkpoint {beyond.id}"))
        if said:
            known, source = max(said)
            detail = f"{size} leaves are left of the {known} that {source} says"
            return Finding("tail_cut", "audit_leaf", str(size), None, size, detail, LAST - 1)
        if size > self._sealed or self._read_count() > self._seals:
            return self._altered(self._seals + 1, "the checkpoint is gone")
        return None

    def _contradicted(self, witness: Witness, inside: bool) -> Finding:
        detail = f"{witness.source} says another root at size {witness.head.size}"
        if inside:
            return self._altered(self._seals, detail)
        return self._at_leaf("ledger_altered", detail, self._vouched)

    def _altered(self, number: int, detail: str) -> Finding:
        rank = self._seq if self._seq >= 0 else LAST
        return Finding(
            "checkpoint_altered", "audit_checkpoint", str(number), None, None, detail, rank
        )

    def _at_leaf(self, kind: str, detail: str, index: int | None = None) -> Finding:
        leaf = self._tree.size if index is None else index
        self._cursor.execute('SELECT seq FROM audit_leaf WHERE "index" = %s', [leaf])
        row = self._cursor.fetchone()
        seq = row[0] if row else None
        rank = self._seq if seq is None else seq
        return Finding(kind, "audit_leaf", str(leaf), seq, leaf, detail, rank)

    def _read_seals(self, where: str, parameters: list[int]) -> Iterator[Seal]:
        self._cursor.execute(
            f"SELECT id, origin, size, root, note, frontier, key_id, sealed_at "  # noqa: S608  # nosec B608
            f"FROM audit_checkpoint WHERE {where} ORDER BY size, id",
            parameters,
        )
        for row in self._cursor.fetchall():
            yield Seal(*row)

    def _read_count(self) -> int:
        return self._counts()[1]

    def _counts(self) -> tuple[int, int]:
        self._cursor.execute(
            "SELECT (SELECT count(*) FROM audit_leaf), (SELECT count(*) FROM audit_checkpoint)"
        )
        leaves, checkpoints = self._cursor.fetchone()
        return leaves, checkpoints
