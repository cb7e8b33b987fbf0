"""Defaults of the database for columns that must be filled.

Django gives a new column's default to the rows that are there, and then takes it away again: from
then on a worker of the release before, which doesn't know the column, could write no row. While an
upgrade goes from node to node it must. So what filled the old rows stays the column's default.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connections, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import CursorWrapper
from django.db.models import NOT_PROVIDED
from psycopg import sql

FLOORS = ("config", "incidents", "escalation", "postmortems", "compliance")
EMPTY = """
    SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND a.attnum > 0
    AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AND NOT a.attisdropped
"""


def install(cursor: CursorWrapper) -> None:
    """Give those columns a default that have none yet."""
    cursor.execute(EMPTY)
    bare = set(cursor.fetchall())
    clauses: dict[str, list[sql.Composed]] = defaultdict(list)
    for table, column, value in _wanted():
        if (table, column) in bare:
            clause = sql.SQL("ALTER COLUMN {} SET DEFAULT {}")
            clauses[table].append(clause.format(sql.Identifier(column), sql.Literal(value)))
    for table, changes in clauses.items():
        head = sql.SQL("ALTER TABLE {} ").format(sql.Identifier(table))
        cursor.execute(head + sql.SQL(", ").join(changes))


def _wanted() -> Iterator[tuple[str, str, Any]]:
    # Any alias will do: the value is the field's own, in the form that psycopg takes.
    editor = BaseDatabaseSchemaEditor(connections["default"], collect_sql=True)
    for model in apps.get_models():
        if model._meta.app_label in FLOORS:
            for field in model._meta.local_concrete_fields:
                if _is_plain(field) and (value := editor.effective_default(field)) is not None:
                    yield model._meta.db_table, str(field.column), value


def _is_plain(field: "models.Field[Any, Any]") -> bool:
    """Whether its default is the same for every row: no instant, no random key."""
    moving = callable(field.default) and field.default not in (dict, list, NOT_PROVIDED)
    timed = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    return not (field.null or field.primary_key or field.generated or moving or timed)
