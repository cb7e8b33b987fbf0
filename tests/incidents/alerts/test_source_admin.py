"""Sources, the inbox and alerts in the admin."""

import re

import pytest
from django.test import Client

from config.access.rules import Role
from config.organisation.models import Team, User
from incidents.alerts.models import IngestSource, PayloadState, RawPayload
from incidents.catalog.models import Service
from tests.config import make as make_config
from tests.incidents.alerts import make

pytestmark = pytest.mark.django_db
SOURCES = "/admin/incidents/ingestsource/"
INBOX = "/admin/incidents/rawpayload/"


def token_in(page: str) -> str:
    """The token that the page shows."""
    found = re.search(r'<code id="token">([a-z0-9]{32})</code>', page)
    assert found is not None
    return found[1]


@pytest.fixture
def desk(payments: Team) -> Client:
    """The integrator of payments."""
    person = make_config.user("ivan")
    make_config.role(Role.INTEGRATOR, to=person, on=payments)
    return make_config.browser(person)


def test_shows_the_token_and_the_configuration_once(desk: Client, payments: Team):
    page = desk.post(
        f"{SOURCES}add/",
        {"name": "Prom", "adapter": "alertmanager", "team": payments.pk, "is_active": "on"},
    )

    source = IngestSource.objects.get()
    token = token_in(page.content.decode())
    assert source.token_digest == IngestSource.digest_of(token)
    assert f"/ingest/alertmanager/{token}" in page.content.decode()
    assert f"routing_key: {token}" in page.content.decode()
    again = desk.get(f"{SOURCES}{source.pk}/change/").content.decode()
    assert token not in again
    assert "/ingest/alertmanager/TOKEN" in again


def test_rotates_the_token(desk: Client, payments: Team):
    source = make.source(team=payments)

    page = desk.post(f"{SOURCES}{source.pk}/do/rotate/", {"hours": "0", "reason": "leaked"})

    before, source = source, IngestSource.objects.get(pk=source.pk)
    token = token_in(page.content.decode())
    assert source.token_digest == IngestSource.digest_of(token) != before.token_digest
    assert source.previous_digest == ""
    assert source.history.first().history_change_reason == "leaked"


def test_shows_what_came_in_and_what_became_of_it(desk: Client, payments: Team):
    source = make.source(team=payments)
    make.received(source, make.firing("disk", title="Disk <full>"))
    make.received(source, b"broken")

    page = desk.get(f"{SOURCES}{source.pk}/change/").content.decode()

    assert "Opened" in page
    assert make.only_incident().reference in page
    assert "The body is not JSON" in page
    assert "Disk <full>" not in page


def test_sends_a_test_alert(desk: Client, payments: Team):
    source = make.source(team=payments)

    desk.post(f"{SOURCES}{source.pk}/do/test/")

    assert RawPayload.objects.get().kind == "test"


def test_replays_from_quarantine(desk: Client, payments: Team):
    row = make.received(make.source(team=payments), b"broken")
    listed = desk.get(f"{INBOX}?state__exact=quarantined").content.decode()

    desk.post(f"{INBOX}{row.pk}/do/replay/", {"reason": "again"})

    row.refresh_from_db()
    assert f"{INBOX}{row.pk}/change/" in listed
    assert row.state == PayloadState.NEW


def test_shows_body_and_outcome_of_a_payload(desk: Client, payments: Team):
    row = make.received(make.source(team=payments), make.firing("disk"))

    page = desk.get(f"{INBOX}{row.pk}/change/").content.decode()

    assert "dedup_key" in page
    assert "opened" in page


def test_lists_alerts(bob: User, checkout: Service):
    make.received(make.source(service=checkout), make.firing("disk"))
    desk = make_config.browser(bob)

    listed = desk.get("/admin/incidents/alert/")
    page = desk.get(f"/admin/incidents/alert/{make.only_alert().pk}/change/")

    assert "Alert disk" in listed.content.decode()
    assert page.status_code == 200


def test_shows_nothing_to_a_stranger(mallory: User, payments: Team):
    source = make.source(team=payments)
    row = make.received(source, make.firing())
    desk = make_config.browser(mallory)

    assert desk.get(f"{SOURCES}{source.pk}/change/").status_code in (302, 404)
    assert desk.get(f"{INBOX}{row.pk}/change/").status_code in (302, 404)
    assert source.name not in desk.get(SOURCES).content.decode()
    assert "Alert disk" not in desk.get("/admin/incidents/alert/").content.decode()


def test_makes_no_source_for_a_team_of_others(desk: Client, logistics: Team):
    desk.post(
        f"{SOURCES}add/",
        {"name": "X", "adapter": "generic", "team": logistics.pk, "is_active": "on"},
    )

    assert not IngestSource.objects.exists()
