"""A ledger entry as leaf data, and the canonical text of the row that it covers.

Nothing here calls a function that the product installed in the database: what verifies must not
trust what a vandal could have replaced.
"""

import json
import re
import uuid
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db.backends.utils import CursorWrapper
from psycopg import sql

from config.audit import merkle
from config.audit.tables import Table

FORMAT = "watchbill-entry-1"
COLUMNS = (
    "e.seq, (extract(epoch FROM e.at) * 1000000)::bigint, e.table_name, e.row_key, "
    "e.column_set, e.hash"
)
INTEGERS = {"bigint": 63, "integer": 31, "smallint": 15}
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_PINNED = (
    "SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'; "
    "SET LOCAL intervalstyle = 'postgres'; SET LOCAL bytea_output = 'hex'; "
    "SET LOCAL extra_float_digits = 1"
)
_BY_KEY = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"


class Entry(NamedTuple):
    """One row of the ledger; `at` is in microseconds since 1970."""

    seq: int
    at: int
    table: str
    row_key: str
    column_set: int
    hash: bytes

    def leaf_data(self) -> bytes:
        """What the leaf's hash covers: a JSON list without spaces, in UTF-8."""
        parts = [FORMAT, self.seq, self.at, self.table, self.row_key, self.column_set]
        text = json.dumps([*parts, self.hash.hex()], ensure_ascii=False, separators=(",", ":"))
        return text.encode()

    def leaf_hash(self) -> bytes:
        """The leaf's hash."""
        return merkle.leaf_hash(self.leaf_data())


def pin(cursor: CursorWrapper) -> None:
    """Fix, until the transaction ends, the settings on which a row's text depends."""
    cursor.execute(_PINNED)


def look_up(cursor: CursorWrapper) -> None:
    """Until the transaction ends, have what belongs to an entry looked up by its key.

    The log is read in ranges. A plan that reads a whole table for each of them, as the planner
    likes them once a table is some ranges long, makes an entry cost more the longer the log is.
    """
    cursor.execute(_BY_KEY)


def plausible(table: Table, key: str) -> bool:
    """Whether the table can have such a key: a vandal's nonsense must not end in an SQL error."""
    if bits := INTEGERS.get(table.key_type):
        return bool(_INTEGER.fullmatch(key)) and abs(int(key)) < 1 << bits
    if table.key_type == "uuid":
        try:
            return str(uuid.UUID(key)) == key
        except ValueError:
            return False
    return True


def row_hashes(
    cursor: CursorWrapper, table: Table, columns: Iterable[str], salted: Sequence[tuple[str, bytes]]
) -> dict[str, bytes]:
    """Of rows that exist: key -> SHA-256 of the given salt and the row's canonical text."""
    query = _rows(table, "sha256(named.salt || convert_to({text}, 'UTF8'))")
    kept = [pair for pair in salted if plausible(table, pair[0])]
    row_keys, salts = [key for key, _ in kept], [salt for _, salt in kept]
    cursor.execute(query, [table.outside(columns), row_keys, salts])
    return dict(cursor.fetchall())


def row_texts(
    cursor: CursorWrapper, table: Table, columns: Iterable[str], keys: Iterable[str]
) -> dict[str, str]:
    """Of rows that exist: key -> canonical text."""
    kept = [key for key in keys if plausible(table, key)]
    unsalted = [b""] * len(kept)
    cursor.execute(_rows(table, "{text}"), [table.outside(columns), kept, unsalted])
    return dict(cursor.fetchall())


def _rows(table: Table, wanted: str) -> sql.Composed:
    text = sql.SQL("(to_jsonb(audited_row) - %s::text[])::text")
    query = sql.SQL(
        "SELECT audited_row.{key}::text, {wanted} "
        "FROM unnest(%s::text[]::{type}[], %s::bytea[]) AS named(key, salt) "
        "JOIN {table} AS audited_row ON audited_row.{key} = named.key"
    )
    return query.format(
        key=sql.Identifier(table.key),
        wanted=sql.SQL(wanted).format(text=text),
        type=sql.SQL(table.key_type),  # out of the catalogue
        table=sql.Identifier(table.name),
    )
