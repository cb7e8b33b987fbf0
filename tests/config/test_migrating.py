"""`migrate` makes what the models say, though it renders few of them."""

import os
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connections
from django.db.migrations.state import ModelState
from psycopg import sql

from tests.harness import databases
from tests.harness.databases import Clone

OURS = {"config", "incidents", "escalation", "postmortems", "compliance"}
DRAWN = "drawn"
# Whatever the models say of a schema: columns, constraints, indexes, each by table and name.
SAID = {
    "columns": """
        SELECT class.relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
            collname, CASE WHEN attgenerated <> '' THEN pg_get_expr(adbin, adrelid) END
        FROM pg_attribute JOIN pg_class class ON class.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        LEFT JOIN pg_collation ON pg_collation.oid = attcollation
        WHERE relnamespace = %s::regnamespace AND class.relkind = 'r' AND attnum > 0
            AND NOT attisdropped
    """,
    "constraints": """
        SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = %s::regnamespace AND contype <> 'n'
    """,
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = %s",
}
type Said = dict[str, set[tuple[str, ...]]]


@pytest.fixture
def empty(django_db_setup: None, django_db_blocker: Any) -> Iterator[Clone]:
    """A database without tables, which the aliases are pointed at."""
    clone = Clone(f"wb_test_{os.getpid()}_bare")
    server = databases.server()
    with closing(server.connect(server.owner)) as owner:
        owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(clone.name)))
    with django_db_blocker.unblock(), databases.pointed_at(clone):
        yield clone
    databases.drop_clone(clone)


def test_makes_what_the_models_say_and_renders_few_of_them(empty: Clone) -> None:
    whole = ModelState.render
    with patch.object(ModelState, "render", autospec=True, side_effect=whole) as render:
        call_command("migrate", database="owner", interactive=False, verbosity=0)
    made = said_of(empty, "public")
    draw()
    drawn = said_of(empty, DRAWN)

    assert len(drawn["columns"]) > 1000
    for kind, lines in drawn.items():
        assert lines - made[kind] == set(), kind
    assert render.call_count < 20 * len(list(apps.get_models(include_auto_created=True)))


def draw() -> None:
    """Our tables at once, as the models are now, in a schema of their own."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {DRAWN}; SET search_path = {DRAWN}, public")
    with connections["owner"].schema_editor() as editor:
        for model in apps.get_models():
            if model._meta.app_label in OURS and model._meta.can_migrate(connections["owner"]):
                editor.create_model(model)


def said_of(database: Clone, schema: str) -> Said:
    """What the catalogue says, without the names of schemas."""
    names = re.compile(rf"\b(?:public|{DRAWN})\.")
    with psycopg.connect(database.owner_url, options="-c search_path=pg_catalog") as connection:
        found = {kind: connection.execute(query, [schema]) for kind, query in SAID.items()}
        return {
            kind: {tuple(names.sub("", str(value)) for value in row) for row in rows}
            for kind, rows in found.items()
        }
