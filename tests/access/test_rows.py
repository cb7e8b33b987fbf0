"""Lists are read by shape (`config.apikit.rows`), and say what DRF would say of whole rows."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.apikit import rows, views
from config.clock import now, simulated
from tests.access.asking import caller
from tests.access.routes import Call, api_calls
from tests.access.world import World

# The lists that grow with the incidents; one that DRF has to read again is seen here.
SHAPED = {
    *("AlertOut", "EntryOut", "EscalationOut", "IncidentOut", "PageOut", "RecordOut", "ReviewOut"),
    *("ServiceOut", "SourceOut"),
}


@pytest.fixture
def lists(world: World) -> list[Call]:
    """Every GET that answers by pages."""
    ask = caller(world, "root")
    calls = [call for call in api_calls(world) if call.method == "get"]
    return [call for call in calls if "results" in body(ask(call))]


def body(response: Any) -> Any:
    found = response.json() if response["Content-Type"] == "application/json" else {}
    return found if isinstance(found, dict) else {}


def test_says_what_drf_says(
    world: World, lists: list[Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulated(now()):
        ask = caller(world, "root")
        ours = {str(call): body(ask(call)) for call in lists}
        monkeypatch.setattr(views, "shape_of", lambda kind: None)

        theirs = {str(call): body(ask(call)) for call in lists}

    assert ours == theirs
    assert sum(bool(each["results"]) for each in ours.values()) > 20


def test_knows_the_shape_of_every_list_that_grows(
    world: World, lists: list[Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    found: set[str] = set()

    def noted(kind: Any) -> Any:
        shape = rows.shape_of(kind)
        found.update({kind.__name__} if shape else ())
        return shape

    monkeypatch.setattr(views, "shape_of", noted)
    ask = caller(world, "root")

    for call in lists:
        ask(call)

    assert found >= SHAPED


def test_reads_no_column_that_is_not_shown(world: World) -> None:
    ask = caller(world, "root")
    (call,) = [each for each in api_calls(world) if str(each) == "GET /api/v1/incidents/"]

    with CaptureQueriesContext(connection) as queries:
        ask(call)

    (query,) = [each["sql"] for each in queries if 'FROM "incidents_incident"' in each["sql"]]
    shown = query.split(" FROM ")[0]
    assert '"incidents_incident"."title"' in shown
    assert '"incidents_incident"."search"' not in shown
    assert '"incidents_service"."name"' not in shown
