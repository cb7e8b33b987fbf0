"""A list tells what changed since it was drawn, to each visitor what that visitor may see."""

import json
from typing import Any

import pytest
from django.test import Client

from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.operations import acknowledge
from tests.config import make
from tests.incidents import make as make_incidents

pytestmark = pytest.mark.django_db
LIST = "/admin/incidents/incident/"


@pytest.fixture
def desk(bob: User) -> Client:
    return make.browser(bob)


def state(client: Client, query: str = "", tag: str = "") -> Any:
    return client.get(f"{LIST}live/?{query}", headers={"If-None-Match": tag} if tag else {})


def test_answers_with_what_the_page_has(desk: Client, checkout: Service) -> None:
    for number in range(3):
        make_incidents.incident(f"Slow {number}", service=checkout)
    drawn = json.loads(desk.get(LIST).context["cl"].live_state)

    answer = state(desk)

    assert answer.json() == drawn
    assert len(drawn) == 3


def test_answers_304_until_something_changes(desk: Client, checkout: Service, alice: User) -> None:
    incident = make_incidents.incident(service=checkout)
    tag = state(desk)["ETag"]
    same = state(desk, tag=tag)

    acknowledge(incident, actor=alice)
    changed = state(desk, tag=tag)

    assert (same.status_code, same.content, same["ETag"]) == (304, b"", tag)
    assert changed.status_code == 200
    incident.refresh_from_db()
    assert changed.json() == [[incident.pk, incident.revision]]


def test_leaves_out_what_the_filters_leave_out(desk: Client, checkout: Service) -> None:
    make_incidents.incident("Taken", service=checkout)
    resolved = make_incidents.incident_in("resolved", service=checkout)

    assert [key for key, _ in state(desk, "attention=unclosed").json()] == [resolved.pk]
    assert state(desk, "q=nosuchword").json() == []


def test_tells_nobody_of_what_they_may_not_see(
    desk: Client, checkout: Service, bob: User, alice: User, mallory: User
) -> None:
    hers = make.browser(alice)
    tag = state(hers)["ETag"]

    secret = make_incidents.incident("Secret", service=checkout, actor=bob, is_restricted=True)

    assert state(hers, tag=tag).status_code == 304
    assert state(make.browser(mallory)).json() == []
    assert [key for key, _ in state(desk).json()] == [secret.pk]


@pytest.mark.parametrize("query", ["nosuchfield=1", "attention=gone", "q=%00"])
def test_refuses_an_address_that_the_list_does_not_know(desk: Client, query: str) -> None:
    assert state(desk, query).status_code == 400


def test_asks_whoever_is_signed_out_to_sign_in() -> None:
    assert state(Client()).status_code == 302


def test_answers_for_one_page(desk: Client, checkout: Service, monkeypatch: Any) -> None:
    monkeypatch.setattr("incidents.lifecycle.admin.IncidentAdmin.list_per_page", 2)
    for _ in range(3):
        make_incidents.incident(service=checkout)

    assert len(state(desk).json()) == 2
