"""After every migrate: functions, triggers, column sets, rights, defaults: what the models say.

Other rooms install SQL of their own with `@register_sql`.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from config.audit import defaults, grants, triggers
from config.audit.entries import pin
from config.audit.tables import GUARDIAN, LEDGER, Table, column_sets, ledgered_tables, tables

FUNCTIONS = Path(__file__).parent / "sql" / "functions.sql"
LOCK = 7_235_100  # one installation at a time

type Hook = Callable[[CursorWrapper], None]
_hooks: list[Hook] = []


def register_sql(hook: Hook) -> Hook:
    """Have the hook, which is idempotent, called as the owner role after each installation."""
    if hook not in _hooks:
        _hooks.append(hook)
    return hook


def install(using: str = "default") -> None:
    """Bring the database's own rules up to date. Does nothing until all tables it needs exist."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        evidence = tables(cursor, ledgered_tables())
        if not _is_migrated(cursor, evidence):
            return
        cursor.execute(functions_sql(cursor))
        _install_triggers(cursor, list(evidence.values()))
        grants.install(cursor, evidence)
        defaults.install(cursor)
        for hook in _hooks:
            hook(cursor)


def functions_sql(cursor: CursorWrapper) -> str:
    """The text of all functions, for the schema in which the ledger is."""
    cursor.execute(
        "SELECT format('%I', current_schema()), pg_get_serial_sequence('audit_ledger', 'seq')"
    )
    schema, sequence = cursor.fetchone()
    text = FUNCTIONS.read_text().replace("@schema@", schema)
    return text.replace("@sequence@", sequence)


def _is_migrated(cursor: CursorWrapper, evidence: dict[str, Table]) -> bool:
    """Not while the platform is being migrated step by step, or backwards."""
    needed = {*LEDGER, *GUARDIAN}
    ours = {name for name in ledgered_tables() if name.startswith("audit_")}
    return len(tables(cursor, needed)) == len(needed) and ours <= evidence.keys()


def _install_triggers(cursor: CursorWrapper, evidence: list[Table]) -> None:
    sets = column_sets(cursor)
    known = {name for name, _ in sets}
    wanted = [triggers.appending(each, *_column_set(cursor, each, sets)) for each in evidence]
    wanted += triggers.refusing(each.name for each in evidence)
    wanted += triggers.recording()
    installed = triggers.installed(cursor)
    missing = [
        each.create()
        for each in wanted
        if not ((found := installed.get(each.place)) and found.is_like(each))
    ]
    if missing:
        cursor.execute(sql.SQL(";\n").join(missing))
    _enter_rows(cursor, [each for each in evidence if each.name not in known])


def _column_set(
    cursor: CursorWrapper, table: Table, sets: dict[tuple[str, int], list[str]]
) -> tuple[int, tuple[str, ...]]:
    """The number of the table's present columns; new columns make a new number."""
    numbers = {number: columns for (name, number), columns in sets.items() if name == table.name}
    for number, columns in numbers.items():
        if sorted(columns) == sorted(table.columns):
            return number, tuple(columns)
    number = max(numbers, default=0) + 1
    cursor.execute(
        "INSERT INTO audit_column_set (table_name, number, columns) VALUES (%s, %s, %s)",
        [table.name, number, list(table.columns)],
    )
    return number, table.columns


def _enter_rows(cursor: CursorWrapper, evidence: Iterable[Table]) -> None:
    """Enter what a table held before it became evidence: a migration's own rows, for example.

    Only ever once: rows that come later past the triggers are for `audit_verify` to find.
    """
    pin(cursor)
    query = sql.SQL("""
        WITH written AS MATERIALIZED (
            SELECT nextval(pg_get_serial_sequence('audit_ledger', 'seq')) AS seq,
                   uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) AS salt,
                   present.key, present.whole
            FROM (SELECT {key}::text AS key, to_jsonb(audited_row) - %s::text[] AS whole
                  FROM {table} AS audited_row ORDER BY {key}) AS present
        ), entries AS (
            INSERT INTO audit_ledger (seq, table_name, row_key, column_set, hash)
            SELECT seq, %s, key, 1, sha256(salt || convert_to(whole::text, 'UTF8')) FROM written
        ), salts AS (
            INSERT INTO audit_salt (seq, salt) SELECT seq, salt FROM written
        )
        INSERT INTO audit_unsealed (seq) SELECT seq FROM written
    """)
    for table in evidence:
        names = {"key": sql.Identifier(table.key), "table": sql.Identifier(table.name)}
        cursor.execute(query.format(**names), [list(table.generated), table.name])
