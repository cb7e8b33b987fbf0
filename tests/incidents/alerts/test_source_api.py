"""Sources, payloads and alerts over the API."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from config.access.rules import Role
from config.audit.tracking import Tracked
from config.organisation.models import Team, User
from incidents.alerts.models import IngestSource, PayloadState, RawPayload
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from tests.config import make as make_config
from tests.incidents.alerts import make

pytestmark = pytest.mark.django_db
SOURCES = "/api/v1/ingest-sources/"


@pytest.fixture
def ivan(payments: Team) -> User:
    """Integrator of payments."""
    person = make_config.user("ivan")
    make_config.role(Role.INTEGRATOR, to=person, on=payments)
    return person


@pytest.fixture
def api(ivan: User) -> APIClient:
    return make_config.api(ivan)


def created(api: APIClient, **fields: Any) -> Any:
    body = {"name": "Prometheus", "adapter": "alertmanager", "team": "payments", **fields}
    return api.post(SOURCES, body)


def test_shows_the_token_once(api: APIClient, checkout: Service):
    answer = created(api, service="checkout")

    source = IngestSource.objects.get()
    shown = answer.json()
    assert answer.status_code == 201
    assert source.token_digest == IngestSource.digest_of(shown["token"])
    assert shown["url"].endswith(f"/ingest/alertmanager/{shown['token']}")
    assert (source.service, source.account.kind) == (checkout, "service_account")
    again = api.get(f"{SOURCES}{source.pk}/").json()
    assert shown["token"] not in str(again)
    assert again["hint"] == shown["token"][:4]


def test_names_the_fixed_address_of_pagerduty(api: APIClient):
    shown = created(api, adapter="pagerduty").json()

    assert shown["url"].endswith("/v2/enqueue")
    assert len(shown["token"]) == 32


def test_rotates_the_token(api: APIClient):
    first = created(api).json()

    second = api.post(f"{SOURCES}{first['id']}/rotate/", {"hours": 2}).json()

    source = IngestSource.objects.get()
    assert source.token_digest == IngestSource.digest_of(second["token"])
    assert source.previous_digest == IngestSource.digest_of(first["token"])
    assert second["previous_until"] is not None


@pytest.mark.parametrize("hours", [-1, 169, "x"])
def test_refuses_an_overlap_out_of_bounds(api: APIClient, hours: object):
    found = created(api).json()

    assert api.post(f"{SOURCES}{found['id']}/rotate/", {"hours": hours}).status_code == 400


def test_sends_a_test_alert_the_whole_way(api: APIClient):
    make.source()  # brings the triage team
    found = created(api).json()

    answer = api.post(f"{SOURCES}{found['id']}/test/", {})

    make.drain_inbox()
    payload = api.get(f"/api/v1/ingest-payloads/{answer.json()['id']}/").json()
    assert answer.status_code == 202
    assert payload["state"] == "done"
    assert [entry["effect"] for entry in payload["outcome"]] == ["opened", "cleared"]


def test_refuses_a_test_of_a_source_that_is_off(api: APIClient):
    found = created(api).json()
    url = f"{SOURCES}{found['id']}/"
    assert api.patch(url, {"is_active": False}, HTTP_IF_MATCH='"v1"').status_code == 200

    answer = api.post(f"{url}test/", {})

    assert (answer.status_code, answer.json()["code"]) == (409, "source_inactive")
    assert not RawPayload.objects.exists()


def test_edits_with_a_history(api: APIClient, ivan: User):
    found = created(api).json()

    answer = api.patch(
        f"{SOURCES}{found['id']}/", {"name": "Prom", "reason": "shorter"}, HTTP_IF_MATCH='"v1"'
    )

    last = IngestSource.objects.get().history.first()
    assert (answer.status_code, answer.json()["name"]) == (200, "Prom")
    assert (last.history_user, last.history_change_reason, last.origin) == (ivan, "shorter", "api")
    listed = api.get(f"{SOURCES}{found['id']}/history/").json()
    assert IngestSource.objects.get().token_digest not in str(listed)


def test_refuses_a_name_twice(api: APIClient):
    created(api)

    answer = created(api)

    assert (answer.status_code, answer.json()["code"]) == (409, "source_name_unique")


def test_lets_a_responder_see_and_no_more(bob: User, payments: Team):
    source = make.source(team=payments)
    api = make_config.api(bob)

    assert api.get(f"{SOURCES}{source.pk}/").status_code == 200
    assert created(api).status_code == 403
    assert api.post(f"{SOURCES}{source.pk}/rotate/", {}).status_code == 403
    assert api.post(f"{SOURCES}{source.pk}/test/", {}).status_code == 403
    assert api.get("/api/v1/ingest-payloads/").json()["results"] == []


def test_shows_nothing_to_a_stranger(mallory: User, payments: Team):
    source = make.source(team=payments)
    row = make.received(source, make.firing())
    api = make_config.api(mallory)

    assert api.get(f"{SOURCES}{source.pk}/").status_code == 404
    assert api.post(f"{SOURCES}{source.pk}/rotate/", {}).status_code == 404
    assert api.get(f"/api/v1/ingest-payloads/{row.pk}/").status_code == 404
    assert api.get(f"/api/v1/alerts/{make.only_alert().pk}/").status_code == 404
    assert api.get("/api/v1/alerts/").json()["results"] == []
    assert created(api).status_code == 400


def test_replays_from_quarantine(api: APIClient, payments: Team):
    source = make.source(team=payments)
    row = make.received(source, b"broken")

    listed = api.get("/api/v1/ingest-payloads/?state=quarantined").json()["results"]
    answer = api.post(f"/api/v1/ingest-payloads/{row.pk}/replay/", {"reason": "again"})
    twice = api.post(f"/api/v1/ingest-payloads/{row.pk}/replay/", {})

    assert [entry["id"] for entry in listed] == [row.pk]
    assert listed[0]["body"] == "broken"
    assert (answer.status_code, answer.json()["state"]) == (200, "new")
    assert (twice.status_code, twice.json()["code"]) == (409, "payload_not_quarantined")


def test_lets_an_auditor_read_and_not_replay(carol: User, payments: Team):
    row = make.received(make.source(team=payments), b"broken")
    api = make_config.api(carol)

    assert api.get(f"/api/v1/ingest-payloads/{row.pk}/").status_code == 200
    assert api.post(f"/api/v1/ingest-payloads/{row.pk}/replay/", {}).status_code == 403
    row.refresh_from_db()
    assert row.state == PayloadState.QUARANTINED


def test_lists_alerts_by_state_and_incident(bob: User, checkout: Service):
    source = make.source(service=checkout)
    make.received(source, [make.firing("a"), make.firing("b")])
    api = make_config.api(bob)
    incident = Incident.objects.get(alerts__dedup_key="a")

    found = api.get(f"/api/v1/alerts/?incident={incident.reference}&state=firing").json()

    (alert,) = found["results"]
    assert (alert["dedup_key"], alert["count"], alert["service"]) == ("a", 1, "checkout")
    assert alert["incident"] == incident.reference
    assert api.get("/api/v1/alerts/?colour=red").status_code == 400


def test_hides_alerts_of_restricted_incidents(bob: User, checkout: Service):
    make.received(make.source(service=checkout), make.firing())
    incident = make.only_incident()
    incident.is_restricted = True
    Tracked.save_as(incident, make_config.system(), "is_restricted")

    assert make_config.api(bob).get("/api/v1/alerts/").json()["results"] == []
