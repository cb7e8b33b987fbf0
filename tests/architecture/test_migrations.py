"""Migrations never disturb what is sealed: the columns of evidence stay, and keep their types.

A hash in the ledger covers the columns that a table had when the row was written. A field that
goes, goes from the state alone (`SeparateDatabaseAndState`); a new type is a new column.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from config.audit.tables import ledgered_models

REMOVES = (
    *(migrations.RemoveField, migrations.RenameField, migrations.DeleteModel),
    *(migrations.RenameModel, migrations.AlterModelTable),
)
CHANGES = re.compile(r"\b(?:ALTER|DROP|UPDATE|DELETE|TRUNCATE)\b", re.IGNORECASE)

type Plan = Iterable[tuple[str, list[Operation]]]


def our_plan() -> Plan:
    """All migrations in the order in which they are applied: the app of each, and what it does."""
    loader = MigrationLoader(None)
    keys: dict[tuple[str, str], None] = {}
    for leaf in sorted(loader.graph.leaf_nodes()):
        keys |= dict.fromkeys(loader.graph.forwards_plan(leaf))
    for app, name in keys:
        yield app, loader.graph.nodes[app, name].operations


def sealed_models() -> dict[tuple[str, str], str]:
    """The models whose rows are sealed, as migrations name them, and their tables."""
    metas = (model._meta for model in ledgered_models())
    return {(meta.app_label, str(meta.model_name)): meta.db_table for meta in metas}


def complaints(plan: Plan) -> list[str]:
    """What a plan does to evidence that it must not do."""
    sealed, state, found = sealed_models(), ProjectState(), []
    for app, operations in plan:
        for each, reaches_database in steps(operations):
            if reaches_database and (text := complaint(each, app, sealed, state)):
                found.append(f"{app}: {text}")
            each.state_forwards(app, state)
    return found


def steps(operations: Iterable[Operation]) -> Iterator[tuple[Operation, bool]]:
    """Each operation, and whether it reaches the database as well as the state."""
    for each in operations:
        if isinstance(each, migrations.SeparateDatabaseAndState):
            yield from ((inner, True) for inner in each.database_operations)
            yield from ((inner, False) for inner in each.state_operations)
        else:
            yield each, True


def complaint(each: Any, app: str, sealed: dict[tuple[str, str], str], state: Any) -> str:
    """Why an operation must not be; empty where it may."""
    if isinstance(each, migrations.RunSQL):
        text = str(each.sql)
        tables = [table for table in sealed.values() if re.search(rf"\b{table}\b", text)]
        return f"SQL on {tables}" if tables and CHANGES.search(text) else ""
    name = str(getattr(each, "model_name", "") or getattr(each, "name", "")).lower()
    if (app, name) not in sealed:
        return ""
    if isinstance(each, REMOVES):
        return f"{type(each).__name__} on {name}: take it from the state alone"
    if isinstance(each, migrations.AlterField):
        before = state.models[app, name].fields[each.name]
        if stored(before) != stored(each.field):
            return f"{name}.{each.name} gets another type: make a new column"
    return ""


def stored(field: Any) -> tuple[Any, ...]:
    """What decides how a value is written; a longer text is written alike."""
    return field.get_internal_type(), field.db_column, getattr(field, "decimal_places", None)


def test_leave_evidence_as_it_was_written() -> None:
    assert complaints(our_plan()) == []


EVENT = migrations.CreateModel("Event", [("id", models.BigAutoField(primary_key=True))])
TEXT = migrations.AddField("Event", "note", models.CharField(max_length=9, default=""))


@pytest.mark.parametrize(
    "forbidden",
    [
        migrations.RemoveField("Event", "note"),
        migrations.RenameField("Event", "note", "remark"),
        migrations.AlterField("Event", "note", models.IntegerField(default=0)),
        migrations.RunSQL("ALTER TABLE config_event DROP COLUMN note"),
        migrations.SeparateDatabaseAndState([migrations.RemoveField("Event", "note")], []),
    ],
    ids=["removed", "renamed", "retyped", "by SQL", "in the database alone"],
)
def test_would_be_caught_at_disturbing_it(forbidden: Operation) -> None:
    found = complaints([("config", [EVENT, TEXT, forbidden])])

    assert len(found) == 1
    assert found[0].startswith("config: ")


@pytest.mark.parametrize(
    "allowed",
    [
        migrations.AlterField("Event", "note", models.CharField(max_length=99, default="")),
        migrations.SeparateDatabaseAndState([], [migrations.RemoveField("Event", "note")]),
    ],
    ids=["longer", "out of the state"],
)
def test_may_do_what_no_hash_depends_on(allowed: Operation) -> None:
    assert complaints([("config", [EVENT, TEXT, allowed])]) == []


def test_seal_no_column_that_is_written_in_more_than_one_way() -> None:
    floats = [
        f"{model._meta.label}.{field.name}"
        for model in ledgered_models()
        for field in model._meta.concrete_fields
        if field.get_internal_type() == "FloatField"
    ]

    assert floats == []
