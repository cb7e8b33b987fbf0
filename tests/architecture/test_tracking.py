"""Every record is tracked, sealed and behind a door; no floor reaches below itself by a name."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from simple_history.models import HistoricalChanges

from config.adminkit.base import OversightAdmin, site
from config.adminkit.scoping import is_scoped
from config.apikit.routes import floors
from config.audit import triggers
from config.audit.tables import GUARDIAN, LEDGER, ledgered_tables
from config.audit.tracking import AppendOnly, AppendOnlyQuerySet, Tracked, TrackedQuerySet
from config.urls import OWN

ROOT = Path(__file__).resolve().parents[2]
OURS = ("config", "incidents", "escalation", "postmortems", "compliance")
FLOOR: dict[str, int] = {
    "config": 0,
    "incidents": 1,
    "escalation": 2,
    "postmortems": 2,
    "compliance": 3,
}
EDGES = ("api", "admin", "views", "handlers")
APPENDS = {"audit_append", "audit_refuse", "audit_refuse_truncate"}
REFUSES = {"audit_refuse", "audit_refuse_truncate"}
RECORDS = {"audit_record_grant", "audit_record_grant_truncate"}
# Tables that change by themselves, too often for a history, and hold nothing that anybody decided:
# what falls due, what came in, what was counted, how far something has come, and what is derived
# from a calendar.
BUSY = {
    *("config.timer", "config.outboundmessage", "config.attempt", "config.eventdelivery"),
    *("config.installation", "config.workerheartbeat", "config.counter", "config.apitokenuse"),
    *("config.idempotentrequest", "incidents.rawpayload", "incidents.alert", "escalation.page"),
    *("compliance.exportprogress", "incidents.openperiod"),
}
# Words that the lower floor uses for something of its own: ids of services, pages of the site.
OWN_WORDS = {("config", "services"), ("config", "pages")}
# The ledger itself: written by the database's own triggers and the sealer alone.
OF_THE_LEDGER = {*LEDGER}


def our_models() -> list[Any]:
    return [
        model
        for model in apps.get_models()
        if model._meta.app_label in OURS and not issubclass(model, HistoricalChanges)
    ]


def label(model: Any) -> str:
    return str(model._meta.label_lower)


@pytest.fixture
def installed(db: None) -> dict[str, set[str]]:
    """The triggers that work, by table."""
    found: dict[str, set[str]] = {}
    with connection.cursor() as cursor:
        for (table, name), trigger in triggers.installed(cursor).items():
            if trigger.enabled:
                found.setdefault(table, set()).add(name)
    return found


def test_guard_every_table_of_evidence(installed: dict[str, set[str]]) -> None:
    unguarded = [name for name in ledgered_tables() if not installed.get(name, set()) >= APPENDS]

    assert unguarded == []


def test_guard_the_ledger_itself_and_the_grants(installed: dict[str, set[str]]) -> None:
    assert [name for name in LEDGER if not installed.get(name, set()) >= REFUSES] == []
    assert [name for name in GUARDIAN if not installed.get(name, set()) >= RECORDS] == []


def test_seal_the_history_of_every_tracked_model() -> None:
    tables = {
        model.history.model._meta.db_table for model in our_models() if issubclass(model, Tracked)
    }

    assert tables
    assert tables - set(ledgered_tables()) == set()


def test_track_or_append_every_record() -> None:
    others = {
        label(model)
        for model in our_models()
        if not issubclass(model, (Tracked, AppendOnly))
        and model._meta.db_table not in OF_THE_LEDGER
    }

    assert others == BUSY


@pytest.mark.parametrize("model", our_models(), ids=label)
def test_close_bulk_writes_of_every_record(model: Any) -> None:
    if issubclass(model, Tracked):
        assert isinstance(model._default_manager.all(), TrackedQuerySet)
    if issubclass(model, AppendOnly):
        assert isinstance(model._default_manager.all(), AppendOnlyQuerySet)


def test_have_a_door_wherever_they_are_shown() -> None:
    routes = [*OWN, *(route for module in floors() for route in module.api_routes)]
    shown = {viewset.model for _, viewset, _ in routes}
    open_doors = {label(model) for model in shown if not hasattr(rows_of(model), "visible_to")}
    pages = {
        label(model)
        for model, admin in site._registry.items()
        if not isinstance(admin, OversightAdmin) and not is_scoped(model)
    }

    assert open_doors == set()
    assert pages == set()


def test_know_nothing_below_of_what_points_down() -> None:
    using = [
        f"{path.relative_to(ROOT)}: {name}"
        for app, name in sorted(names_from_above())
        for path in sorted((ROOT / app).rglob("*.py"))
        if "migrations" not in path.parts and uses(path, name)
    ]

    assert using == []


def uses(path: Path, name: str) -> bool:
    """Whether the module follows the name, as an attribute or in a look-up."""
    for each in ast.walk(ast.parse(path.read_text())):
        if isinstance(each, ast.Attribute) and each.attr == name:
            return True
        said = each.arg if isinstance(each, ast.keyword) else getattr(each, "value", None)
        if isinstance(said, str) and said.startswith(f"{name}__"):
            return True
    return False


def names_from_above() -> set[tuple[str, str]]:
    """Each floor, and the names by which its rows lead to those of a floor above.

    A key on an upper floor brings them; the lower floor's code must not use them.
    """
    found = set()
    for model in our_models():
        for field in model._meta.get_fields():
            if isinstance(field, models.ForeignKey) and field.model is model:
                target = field.remote_field.model._meta.app_label
                name = str(field.remote_field.get_accessor_name() or "+")
                if FLOOR.get(target, 9) < FLOOR[model._meta.app_label] and "+" not in name:
                    found.add((target, name))
    return found - OWN_WORDS


def rows_of(model: Any) -> Any:
    return model._default_manager.all()


@pytest.mark.parametrize("word", ["update", "delete", "bulk_create", "bulk_update", "save"])
def test_write_nothing_at_an_edge(word: str) -> None:
    writing = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in edges()
        for call in calls_of(path, word)
    ]

    assert writing == []


def edges() -> list[Path]:
    return [
        path
        for app in OURS
        for path in sorted((ROOT / app).rglob("*.py"))
        if {path.stem, path.parent.name} & set(EDGES)
    ]


def calls_of(path: Path, word: str) -> list[ast.Call]:
    """Calls of a queryset's or row's method of that name; dictionaries have an `update` too."""
    calls = [each for each in ast.walk(ast.parse(path.read_text())) if isinstance(each, ast.Call)]
    return [
        call
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr == word
        and re.search(r"objects|_manager|rows|self\.door", ast.unparse(call.func.value))
    ]
