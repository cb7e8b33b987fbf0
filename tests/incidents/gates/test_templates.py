"""What an incident must have and when, the same for the admin form, the API and alerts."""

import datetime

import pytest

from config import clock
from config.governance.models import VersionState
from config.organisation.models import User
from incidents.alerts.models import PayloadState
from incidents.alerts.processing import drain_inbox
from incidents.catalog.models import Service
from incidents.gates.models import IntakeTemplateVersion
from incidents.gates.rules import FIELDS, FROM_ALERTS
from incidents.lifecycle.models import Incident
from incidents.lifecycle.rules import State
from incidents.terms.models import TaxonomyValue
from tests.config import make as people
from tests.harness.pages import form_of
from tests.incidents import governed, make
from tests.incidents.alerts import make as alerts
from tests.incidents.gates.demands import asks, govern, keys_of, report

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
INCIDENTS = "/api/v1/incidents/"
ADMIN = "/admin/incidents/incident/"
TEMPLATES = "/admin/incidents/intaketemplateversion/"


@pytest.mark.check("INC-09.1")
def test_resolves_only_with_all_that_the_stage_demands(checkout: Service, bob: User) -> None:
    client = people.api(bob)
    made = client.post(INCIDENTS, report(type="payment"))
    assert made.status_code == 201, made.data
    row = f"{INCIDENTS}{made.data['reference']}/"

    refused = client.post(f"{row}resolve/")

    assert (refused.status_code, refused.data["code"]) == (409, "blocked")
    assert keys_of(refused.data["errors"]) == {
        ("category", "required_at_triage"),
        ("cause_code", "required_at_resolve"),
        ("restored_at", "required_at_resolve"),
    }
    assert len(refused.data["blockers"]) == 3
    assert Incident.objects.get().state == State.NEW

    values = {"category": "payment-delayed", "cause_code": "capacity"}
    client.patch(row, values, headers={"If-Match": "*"})
    client.post(f"{row}time-claims/", {"which": "restored", "at": clock.now()})
    resolved = client.post(f"{row}resolve/")

    assert (resolved.status_code, resolved.data["state"]) == (200, "resolved")


@pytest.mark.check("INC-09.1")
def test_lists_every_missing_field_in_the_admin(checkout: Service, alice: User) -> None:
    kind = TaxonomyValue.objects.named("type", "payment")
    incident = make.incident(service=checkout, terms={"type": kind})

    answer = people.browser(alice).post(f"{ADMIN}{incident.pk}/do/resolve/", {"note": ""})

    page = answer.content.decode()
    assert answer.status_code == 200
    for label in ("Category", "Cause code", "Time of restoration"):
        assert f"{label} is needed to" in page
    assert Incident.objects.get().state == State.NEW


@pytest.mark.check("INC-09.1")
def test_closes_only_with_a_closure_code(checkout: Service, alice: User, no_review: None) -> None:
    terms = {
        kind: TaxonomyValue.objects.named(kind, key)
        for kind, key in (
            ("type", "payment"), ("category", "payment-delayed"), ("cause_code", "capacity"),
        )
    }  # fmt: skip
    incident = make.incident(service=checkout, level="info", terms=terms)
    make.do("claim_time", incident, actor=alice, which="restored", at=clock.now())
    make.do("resolve", incident, actor=alice)
    client, row = people.api(alice), f"{INCIDENTS}{incident.reference}/"

    refused = client.post(f"{row}close/")

    assert keys_of(refused.data["errors"]) == {("closure_code", "required_at_close")}
    client.patch(row, {"closure_code": "fixed"}, headers={"If-Match": "*"})
    assert client.post(f"{row}close/").data["state"] == "closed"


@pytest.fixture
def no_review(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reviews have tests of their own; a SEV4 owes none, so nothing is to be taken away."""


@pytest.mark.check("INC-09.2")
@pytest.mark.parametrize(("number", "status"), [(7, 200), (8, 409)])
def test_keeps_the_intake_fast(number: int, status: int) -> None:
    demands = [asks(field) for field in sorted(FROM_ALERTS)[:number]]

    answer = governed.activate("intake-templates", {"type": "payment", "demands": demands})

    assert answer.status_code == status, answer.data
    stored = IntakeTemplateVersion.objects.get(policy__key="payment--any")
    if status == 409:
        assert [each["code"] for each in answer.data["blockers"]] == ["too_many_open_fields"]
        assert stored.state == VersionState.APPROVED
    else:
        assert stored.state == VersionState.ACTIVE


@pytest.mark.check("INC-09.2")
def test_goes_by_the_policy_that_is_in_force() -> None:
    answer = governed.activate("settings", {"key": "intake.max_open_fields", "value": 1})
    assert answer.status_code == 200, answer.data

    refused = governed.activate("intake-templates", {"demands": [asks("title"), asks("level")]})

    assert [each["code"] for each in refused.data["blockers"]] == ["too_many_open_fields"]


@pytest.mark.parametrize(
    ("field", "channel", "code"),
    [("restored_at", "person", "field_not_at_open"), ("cause_code", "any", "alerts_cannot_give")],
)
def test_demands_nothing_at_the_opening_that_nobody_can_say(
    field: str, channel: str, code: str
) -> None:
    body = {"channel": channel, "demands": [asks(field)]}

    refused = governed.activate("intake-templates", body)

    assert [each["code"] for each in refused.data["blockers"]] == [code]


@pytest.mark.check("INC-09.3")
def test_rejects_the_same_report_alike_everywhere(checkout: Service, bob: User) -> None:
    govern(
        asks("category"),
        asks("description", answer="at_least", least=20, hint="What do users see?"),
        asks("type", answer="one_of", options=["payment", "cyber"]),
    )
    other = TaxonomyValue.objects.named("type", "other")
    assert other is not None
    said = {"title": "Slow", "level": "error", "description": "Too short"}

    by_api = people.api(bob).post(INCIDENTS, {**said, "service": "checkout", "type": "other"})
    by_form = people.browser(bob).post(
        f"{ADMIN}add/", {**said, "service": checkout.pk, "type": other.pk}
    )

    assert (by_api.status_code, by_form.status_code) == (400, 200)
    in_form = by_form.context["adminform"].form.errors.as_data()
    found = {(name, each.code, each.message) for name, errors in in_form.items() for each in errors}
    named = {
        (each["pointer"].removeprefix("#/"), each["code"], each["detail"])
        for each in by_api.data["errors"]
    }
    assert named == found
    assert keys_of(by_api.data["errors"]) == {
        ("category", "required_at_open"),
        ("description", "invalid_at_open"),
        ("type", "invalid_at_open"),
    }
    assert not Incident.objects.exists()


@pytest.mark.check("INC-09.3")
def test_quarantines_an_alert_under_the_same_keys(checkout: Service) -> None:
    govern(asks("category"), channel="alert")
    source = alerts.source(team=checkout.team, service=checkout)
    payload = alerts.received(source, alerts.firing("Slow", level="error"))

    drain_inbox()

    payload.refresh_from_db()
    assert payload.state == PayloadState.QUARANTINED
    assert payload.error.startswith("category: Category is needed to open it.")
    assert "(required_at_open)" in payload.error
    assert not Incident.objects.exists()


def test_takes_what_an_alert_says_by_its_labels(checkout: Service) -> None:
    govern(asks("category"), channel="alert")
    source = alerts.source(team=checkout.team, service=checkout)
    labels = {"type": "cyber", "category": "malware"}
    alerts.received(source, alerts.firing("Slow", level="error", labels=labels))

    drain_inbox()

    stored = Incident.objects.get()
    assert stored.type is not None
    assert stored.category is not None
    assert (stored.type.key, stored.category.key) == ("cyber", "malware")
    assert stored.tags == ["security"]


def test_goes_by_the_closest_template(checkout: Service, bob: User) -> None:
    govern(asks("description"), type="payment")
    govern(asks("tags"), type="payment", channel="person")
    client = people.api(bob)

    answers = [client.post(INCIDENTS, report(type=key)) for key in ("payment", "cyber")]

    # The type brings a tag along, which is all that the closest template asks for.
    assert [each.status_code for each in answers] == [201, 201]
    govern(asks("users_affected", "triage"), type="payment", channel="person")
    made = client.post(INCIDENTS, report(type="payment")).data
    refused = client.post(f"{INCIDENTS}{made['reference']}/triage/")
    assert keys_of(refused.data["errors"]) == {("users_affected", "required_at_triage")}


def test_asks_only_where_its_condition_holds(checkout: Service, bob: User) -> None:
    grave = {"field": "severity", "operator": "is_one_of", "value": ["SEV1", "SEV2"]}
    tree = {"match": "all", "groups": [{"match": "all", "conditions": [grave]}]}
    govern(asks("description", conditions=tree))
    client = people.api(bob)

    answers = [client.post(INCIDENTS, report(level=level)) for level in ("error", "info")]

    assert [each.status_code for each in answers] == [400, 201]
    assert keys_of(answers[0].data["errors"]) == {("description", "required_at_open")}


def test_goes_by_what_held_when_the_incident_was_opened(checkout: Service, bob: User) -> None:
    incident = make.incident(service=checkout, actor=bob)
    with clock.simulated(clock.now() + datetime.timedelta(minutes=5)):
        govern(asks("cause_code", "resolve"))

        answer = people.api(bob).post(f"{INCIDENTS}{incident.reference}/resolve/")

    assert answer.status_code == 200, answer.data


def test_drafts_a_template_by_dropdowns(bob: User) -> None:
    browser = people.browser(governed.author())
    kind = {"type": "payment", "channel": "person", "unit": ""}
    made = browser.post(f"{TEMPLATES}add/", kind)
    assert made.status_code == 302, made.content.decode()[:3000]
    form = form_of(browser.get(made["Location"]))
    row = {"field": "category", "stage": "open", "answer": "any", "least": "", "options": ""}
    row |= {"hint": "", "conditions-match": "all"}
    for name, said in row.items():
        form[f"demands-0-{name}"] = said
    form["demands-TOTAL_FORMS"] = "1"

    answer = browser.post(made["Location"], form)

    assert answer.status_code == 302, answer.content.decode()[:5000]
    stored = IntakeTemplateVersion.objects.get(policy__key="payment--person")
    assert [(row.field, row.stage) for row in stored.demands.all()] == [("category", "open")]


def test_can_ask_for_every_field_that_an_incident_has() -> None:
    assert {name for name in FIELDS if not hasattr(Incident, name)} == set()
