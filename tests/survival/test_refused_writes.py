"""Where an event, a history row or a ledger entry can't be written, the change is refused."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from config.audit.models import LedgerEntry
from config.events.models import Event
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.timeline.models import TimelineEntry
from tests.config import make
from tests.incidents import make as make_incidents
from tests.survival.reckoning import platform

EVIDENCE = [
    Event._meta.db_table,
    Incident.history.model._meta.db_table,
    TimelineEntry._meta.db_table,
    LedgerEntry._meta.db_table,
]


@contextmanager
def failing(superuser_dsn: str, table: str) -> Iterator[None]:
    """Nothing can be appended to this table, as on a full disk."""
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$"
        )
        connection.execute(
            f"CREATE TRIGGER no_room BEFORE INSERT ON {table} EXECUTE FUNCTION no_room()"
        )
        try:
            yield
        finally:
            connection.execute("DROP FUNCTION no_room CASCADE")


def stored() -> dict[str, Any]:
    """All that a change would touch."""
    tables: list[Any] = [Event, Incident.history.model, TimelineEntry, LedgerEntry]
    return {
        "incidents": list(Incident.objects.order_by("pk").defer("search").values()),
        **{model.__name__: model.objects.count() for model in tables},
    }


@pytest.mark.parametrize("table", EVIDENCE)
def test_changes_nothing_that_leaves_no_evidence(
    fresh_db: Any,
    superuser_dsn: str,
    log_files: Any,
    checkout: Service,
    bob: User,
    table: str,
) -> None:
    incident = make_incidents.incident(service=checkout)
    client = make.api(bob)
    address = f"/api/v1/incidents/{incident.reference}/acknowledge/"
    opening = {"title": "Shelf is full", "service": checkout.key, "level": "error"}
    calls: list[Callable[[], Any]] = [
        lambda: client.post(address, {}),
        lambda: client.post("/api/v1/incidents/", opening),
    ]
    before = stored()

    with failing(superuser_dsn, table):
        answers = [call() for call in calls]

    assert [answer.status_code for answer in answers] == [503, 503]
    assert {answer.headers["Retry-After"] for answer in answers} == {"5"}
    assert stored() == before
    assert [call().status_code for call in calls] == [200, 201]
    assert platform() == []
