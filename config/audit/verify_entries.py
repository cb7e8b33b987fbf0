"""Every ledger entry against its row, its salt and its leaf; and rows that have no entry."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from django.db.backends.utils import CursorWrapper
from psycopg import sql

from config.audit.entries import COLUMNS, Entry, row_hashes
from config.audit.findings import LAST, Finding
from config.audit.tables import Table, column_sets, ledgered_tables, tables

RANGE = 20_000
SALT_LENGTH = 32
_WALK = f"""
    SELECT {COLUMNS}, s.salt, f."index", f.hash, u.seq IS NOT NULL
    FROM (SELECT * FROM audit_ledger WHERE seq > %s ORDER BY seq LIMIT %s) e
    LEFT JOIN audit_salt s ON s.seq = e.seq
    LEFT JOIN audit_leaf f ON f.seq = e.seq
    LEFT JOIN audit_unsealed u ON u.seq = e.seq
    ORDER BY e.seq
"""  # noqa: S608  # nosec B608  (a constant)


class Sealed(NamedTuple):
    """An entry with what belongs to it."""

    entry: Entry
    salt: bytes | None
    leaf: int | None
    leaf_hash: bytes | None
    queued: bool


@dataclass(frozen=True, slots=True)
class EntriesResult:
    """How many entries there are, and the first broken one.

    `unplaced`: it is neither sealed nor queued, or gone. `leaf_differs`: its leaf says otherwise.
    """

    count: int
    broken: Finding | None
    unplaced: bool = False
    leaf_differs: bool = False


class EntryCheck:
    """One walk over the ledger, in ranges that keep memory flat."""

    def __init__(self, cursor: CursorWrapper, progress: Callable[[int], None]) -> None:
        self._cursor = cursor
        self._progress = progress
        self._sets = column_sets(cursor)
        self._tables = tables(cursor, {*ledgered_tables(), *(name for name, _ in self._sets)})

    def run(self) -> EntriesResult:
        """Walk until the first range in which something is broken."""
        count = 0
        for entries in self._ranges():
            count += len(entries)
            self._progress(count)
            if broken := self._first_broken(entries):
                return EntriesResult(self._count_all(), *broken)
        if left_over := self._left_over():
            return EntriesResult(count, left_over, unplaced=True)
        return EntriesResult(count, self._first_unentered())

    def _ranges(self) -> Iterator[list[Sealed]]:
        last = -1
        while True:
            self._cursor.execute(_WALK, [last, RANGE])
            found = [Sealed(Entry(*row[:6]), *row[6:]) for row in self._cursor.fetchall()]
            if not found:
                return
            yield found
            last = found[-1].entry.seq

    def _first_broken(self, entries: list[Sealed]) -> tuple[Finding, bool, bool] | None:
        """The finding, and whether the entry is nowhere, and whether its leaf says otherwise."""
        unplaced = (each for each in entries if (each.leaf is None) is not each.queued)
        differing = (
            each
            for each in entries
            if each.leaf is not None and each.entry.leaf_hash() != each.leaf_hash
        )
        candidates: list[tuple[Finding, bool, bool]] = []
        if each := next(unplaced, None):
            candidates.append(
                (_finding("ledger_altered", each, _place(each)), not each.queued, False)
            )
        if each := next(differing, None):
            detail = "the entry is not what its leaf sealed"
            candidates.append((_finding("ledger_altered", each, detail), False, True))
        if broken := self._first_broken_row(entries):
            candidates.append((broken, False, False))
        return min(candidates, key=lambda found: found[0].rank, default=None)

    def _first_broken_row(self, entries: list[Sealed]) -> Finding | None:
        groups: dict[tuple[str, int], list[Sealed]] = defaultdict(list)
        for each in entries:
            groups[each.entry.table, each.entry.column_set].append(each)
        hashes: dict[tuple[str, str], bytes] = {}
        for (name, number), group in groups.items():
            if table := self._tables.get(name):
                hashes |= self._row_hashes(table, number, group)
        suspects = [
            each
            for each in entries
            if hashes.get((each.entry.table, each.entry.row_key)) != each.entry.hash
        ]
        purged = self._purged(each.entry.seq for each in suspects)
        findings = (_judge(each, hashes, purged) for each in suspects)
        return next((found for found in findings if found), None)

    def _row_hashes(
        self, table: Table, number: int, group: list[Sealed]
    ) -> dict[tuple[str, str], bytes]:
        columns = self._sets.get((table.name, number), [])
        salted = [(each.entry.row_key, each.salt or b"") for each in group]
        found = row_hashes(self._cursor, table, columns, salted)
        return {(table.name, key): digest for key, digest in found.items()}

    def _purged(self, seqs: Iterable[int]) -> set[int]:
        """Those whose row went by an approved purge: their tombstone is itself in the ledger."""
        wanted = list(seqs)
        if not wanted:
            return set()
        self._cursor.execute(
            """
            SELECT t.seq FROM audit_tombstone t
            JOIN audit_ledger e ON e.table_name = 'audit_tombstone' AND e.row_key = t.id::text
            JOIN audit_ledger gone ON gone.seq = t.seq
                AND gone.table_name = t.table_name AND gone.row_key = t.row_key
            WHERE t.seq = ANY(%s::bigint[])
            """,
            [wanted],
        )
        return {seq for (seq,) in self._cursor.fetchall()}

    def _left_over(self) -> Finding | None:
        """A salt or a queue row whose entry is gone."""
        for table, said in (("audit_unsealed", "queued"), ("audit_salt", "salted")):
            query = sql.SQL(
                "SELECT min(x.seq) FROM {} x "
                "WHERE NOT EXISTS (SELECT FROM audit_ledger e WHERE e.seq = x.seq)"
            )
            self._cursor.execute(query.format(sql.Identifier(table)))
            if (seq := self._cursor.fetchone()[0]) is not None:
                detail = f"the entry is {said}, and gone from the ledger"
                return Finding("ledger_altered", "audit_ledger", str(seq), seq, None, detail, seq)
        return None

    def _first_unentered(self) -> Finding | None:
        """A row that came past the triggers."""
        query = sql.SQL(
            "SELECT audited_row.{key}::text FROM {table} AS audited_row WHERE NOT EXISTS ("
            "SELECT FROM audit_ledger e "
            "WHERE e.table_name = %s AND e.row_key = audited_row.{key}::text) "
            "ORDER BY audited_row.{key} LIMIT 1"
        )
        for name, table in sorted(self._tables.items()):
            names = {"key": sql.Identifier(table.key), "table": sql.Identifier(name)}
            self._cursor.execute(query.format(**names), [name])
            if row := self._cursor.fetchone():
                detail = "the row has no entry in the ledger"
                return Finding("row_inserted", name, row[0], None, None, detail, LAST)
        return None

    def _count_all(self) -> int:
        self._cursor.execute("SELECT count(*) FROM audit_ledger")
        return int(self._cursor.fetchone()[0])


def _judge(each: Sealed, hashes: dict[tuple[str, str], bytes], purged: set[int]) -> Finding | None:
    """What it means that the row's hash is not the entry's."""
    exists = (each.entry.table, each.entry.row_key) in hashes
    if each.entry.seq in purged:
        detail = "the row was purged, and is there again"
        return _finding("row_inserted", each, detail) if exists else None
    if not exists:
        return _finding("row_removed", each, "the row is gone, and no purge says why")
    if each.salt is None or len(each.salt) != SALT_LENGTH:
        return _finding("ledger_altered", each, "the entry's salt is gone, and no purge says why")
    return _finding("row_altered", each, "the row is not what its entry says")


def _finding(kind: str, each: Sealed, detail: str) -> Finding:
    """Rows are named by their own table and key, ledger entries by their sequence number."""
    entry = each.entry
    named = (
        ("audit_ledger", str(entry.seq))
        if kind == "ledger_altered"
        else (entry.table, entry.row_key)
    )
    return Finding(kind, *named, entry.seq, each.leaf, detail, entry.seq)


def _place(each: Sealed) -> str:
    return "sealed, and queued again" if each.queued else "the entry is neither sealed nor queued"
