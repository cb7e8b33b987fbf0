"""Which tables are evidence, and what the database's catalogue says about them."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.apps import apps
from django.db import models
from django.db.backends.utils import CursorWrapper
from simple_history.models import HistoricalChanges

from config.audit.models import (
    Checkpoint,
    ColumnSet,
    GrantChange,
    Leaf,
    LedgerEntry,
    Salt,
    Tombstone,
    Unsealed,
)
from config.audit.tracking import AppendOnly

QUEUE = Unsealed._meta.db_table
LEDGER = tuple(
    model._meta.db_table for model in (LedgerEntry, Salt, Unsealed, Leaf, Checkpoint, ColumnSet)
)
GUARDIAN = ("guardian_userobjectpermission", "guardian_groupobjectpermission")
MIGRATIONS = "django_migrations"

APPEND = frozenset({"SELECT", "INSERT"})
READ = frozenset({"SELECT"})
EVERYTHING = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
# What the runtime role may do where it isn't everything; evidence in general is APPEND.
RIGHTS = {
    LedgerEntry._meta.db_table: READ,
    Salt._meta.db_table: READ,
    ColumnSet._meta.db_table: READ,
    GrantChange._meta.db_table: READ,
    Tombstone._meta.db_table: READ,
    Leaf._meta.db_table: APPEND,
    Checkpoint._meta.db_table: APPEND,
    QUEUE: frozenset({"SELECT", "DELETE"}),
    MIGRATIONS: READ,
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is in the database, without generated columns, which follow from the others."""

    name: str
    key: str
    key_type: str
    columns: tuple[str, ...]
    generated: tuple[str, ...]

    def outside(self, columns: Iterable[str]) -> list[str]:
        """The table's columns that a column set doesn't cover."""
        covered = set(columns)
        return [name for name in (*self.columns, *self.generated) if name not in covered]


def ledgered_models() -> list[type[models.Model]]:
    """Every history model and every append-only one: their rows each get a ledger entry."""
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if issubclass(model, (HistoricalChanges, AppendOnly)) and not model._meta.proxy
    ]


def ledgered_tables() -> list[str]:
    """The names of their tables, sorted."""
    return sorted(model._meta.db_table for model in ledgered_models())


def tables(cursor: CursorWrapper, names: Iterable[str]) -> dict[str, Table]:
    """Those of the named tables that exist and have a primary key of one column."""
    cursor.execute(
        """
        SELECT c.relname, k.attname, format_type(k.atttypid, k.atttypmod),
               array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attgenerated = ''),
               array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attgenerated <> '')
        FROM pg_class c
        JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary AND i.indnkeyatts = 1
        JOIN pg_attribute k ON k.attrelid = c.oid AND k.attnum = i.indkey[0]
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relname = ANY(%s::name[]) AND c.relnamespace = current_schema()::regnamespace
        GROUP BY c.relname, k.attname, k.atttypid, k.atttypmod
        """,
        [list(names)],
    )
    return {
        name: Table(name, key, key_type, tuple(columns), tuple(generated or ()))
        for name, key, key_type, columns, generated in cursor.fetchall()
    }


def column_sets(cursor: CursorWrapper) -> dict[tuple[str, int], list[str]]:
    """The columns behind each table and number."""
    cursor.execute("SELECT table_name, number, columns FROM audit_column_set ORDER BY 1, 2")
    return {(table, number): columns for table, number, columns in cursor.fetchall()}
