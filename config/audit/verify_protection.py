"""Whether the database still refuses and records as it should: triggers and function bodies."""

import re
from collections.abc import Iterator

from django.db.backends.utils import CursorWrapper

from config.audit import install, triggers
from config.audit.tables import ledgered_tables, tables

_FUNCTION = re.compile(
    r"CREATE OR REPLACE FUNCTION [^ (]*\.(\w+)\(.*?\$body\$(.*?)\$body\$", re.DOTALL
)


def problems(cursor: CursorWrapper) -> list[str]:
    """What protects the log and doesn't, in words."""
    return [*_functions(cursor), *_triggers(cursor)]


def _functions(cursor: CursorWrapper) -> Iterator[str]:
    wanted = _FUNCTION.findall(install.functions_sql(cursor))
    cursor.execute(
        "SELECT proname, prosrc FROM pg_proc "
        "WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'audit\\_%'"
    )
    installed = dict(cursor.fetchall())
    for name, body in wanted:
        if name not in installed:
            yield f"function {name} is missing: run migrate"
        elif installed[name] != body:
            yield f"function {name} is not the one that this version installs: run migrate"


def _triggers(cursor: CursorWrapper) -> Iterator[str]:
    evidence = tables(cursor, ledgered_tables())
    for name in ledgered_tables():
        if name not in evidence:
            yield f"table {name} is missing"
    installed = triggers.installed(cursor)
    wanted = [*triggers.refusing(evidence), *triggers.recording()]
    for trigger in wanted:
        found = installed.get(trigger.place)
        if found is None or not found.is_like(trigger):
            yield _complaint(trigger.table, trigger.name, found)
    for name, table in evidence.items():
        found = installed.get((name, "audit_append"))
        if found is None or not found.enabled or found.function != "audit_append":
            yield _complaint(name, "audit_append", found)
        elif sorted(found.arguments[2:]) != sorted(table.columns):
            yield f"trigger audit_append on {name} doesn't cover all of its columns: run migrate"


def _complaint(table: str, trigger: str, found: triggers.Installed | None) -> str:
    state = "missing" if found is None else "altered" if found.enabled else "disabled"
    return f"trigger {trigger} on {table} is {state}: run migrate as the owner role"
