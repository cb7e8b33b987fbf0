"""Whoever reads of a restricted record leaves a trace, on whichever page it shows."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config import clock
from config.access.restricted import telling_models, tied_models
from config.events.models import RestrictedRead
from tests.access.asking import one_frame
from tests.access.permissions import every_call
from tests.access.routes import ADMIN, Call, of_one_kind
from tests.access.secrecy import Secret, make_secret, prepare
from tests.access.test_need_to_know import LEAVES, Visitor
from tests.access.world import World
from tests.config import make

# What shows no row: the document of the API, and pages that explain problems. A page link shows
# whom it pages the reference that was sent; its GET changes nothing, as mail scanners follow it.
SHOWS_NOTHING = {"schema", "docs", "problem", "problems", "page_link"}


@pytest.fixture
def secret(world: World) -> Secret:
    prepare(world)
    return make_secret(world)


@pytest.fixture
def noted() -> Iterator[list[RestrictedRead]]:
    """The traces that are left, though the reads themselves are taken back."""
    found: list[RestrictedRead] = []
    create = RestrictedRead.objects.create

    def keep(**fields: Any) -> RestrictedRead:
        found.append(create(**fields))
        return found[-1]

    with patch.object(RestrictedRead.objects, "create", keep):
        yield found


@pytest.mark.parametrize("name", ["root", "anna"])
@pytest.mark.timeout(600)
def test_leaves_one_trace_wherever_it_shows(
    world: World, secret: Secret, noted: list[RestrictedRead], name: str
) -> None:
    visitor = Visitor.of(world, name)
    traces: dict[str, int] = {}
    silent = []
    with clock.simulated(clock.now()), one_frame():
        for call in calls(world, secret):
            noted.clear()
            text = visitor.ask(call).getvalue().decode()
            traces[call.url] = len(noted)
            if secret.told_by(text.replace(call.url, "")) and not noted:
                silent.append(call.url)

    assert silent == []
    assert {url: n for url, n in traces.items() if n > 1} == {}
    assert set(traces.values()) == {0, 1}
    assert sum(traces.values()) > 10


def calls(world: World, secret: Secret) -> Iterator[Call]:
    """Everything that can be read, with rows of the secret where there are any."""
    rows = {model: secret.row_of(model) for model in (*tied_models(), *telling_models())}
    theirs = World(world.people, {**world.rows, **rows})
    for call in of_one_kind(every_call(theirs)):
        if call.method == "get" and call.name not in LEAVES | SHOWS_NOTHING:
            yield call
    words = secret.live.reference
    for url in (f"search/?s={words}", f"incidents/incident/?q={words}"):
        yield Call("get", f"/{ADMIN}{url}", "", detail=False)
    picker = "app_label=compliance&model_name=auditrequest&field_name=incident"
    yield Call("get", f"/{ADMIN}autocomplete/?{picker}&term={words}", "", detail=False)


def test_names_all_that_is_on_the_page(
    world: World, secret: Secret, noted: list[RestrictedRead]
) -> None:
    make.api(world.people["bob"]).get("/api/v1/incidents/")

    (read,) = noted
    assert (read.actor, read.origin) == (world.people["bob"], "api")
    assert read.subject_ids == sorted(incident.pk for incident in secret.incidents)
    assert read.what == "GET /api/v1/incidents/"
    page = make.browser(world.people["root"]).get("/admin/config/restrictedread/")
    shown = ", ".join(sorted(incident.reference for incident in secret.incidents))
    assert shown in page.content.decode()


@pytest.mark.parametrize("path", ["/api/v1/alerts/", "/api/v1/pages/", "/api/v1/incidents/"])
def test_costs_one_statement_where_there_is_one_and_none_else(world: World, path: str) -> None:
    prepare(world)
    client = make.api(world.people["bob"])
    client.get(path)
    with CaptureQueriesContext(connection) as before:
        client.get(path)

    make_secret(world)
    with CaptureQueriesContext(connection) as after:
        client.get(path)

    assert len(after) - len(before) == 1


def test_is_left_by_reading_and_not_by_writing(
    world: World, secret: Secret, noted: list[RestrictedRead]
) -> None:
    client = make.api(world.people["bob"])
    address = f"/api/v1/incidents/{secret.live.reference}/"

    client.post(f"{address}timeline/", {"text": "A line"})
    client.post(f"{address}acknowledge/", {})

    assert noted == []
