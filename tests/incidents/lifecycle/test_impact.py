"""Severity from measured impact: computed, explained, attached, and computed again."""

import datetime
import html
from typing import Any

import pytest

from config import clock
from config.errors import Invalid
from config.events import operations as events
from config.events.models import Event
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.catalog.operations import set_region
from incidents.lifecycle.models import Incident, IncidentEngagement
from incidents.lifecycle.operations import cancel, edit, revise_impact
from incidents.lifecycle.operations.assessing import basis_of
from incidents.taxonomy.models import SeverityTableVersion
from incidents.taxonomy.operations import seed_severity_table
from tests.config import make as people
from tests.harness.kept import kept
from tests.incidents import make

LIST = "/api/v1/incidents/"
MASS: dict[str, Any] = {"users_affected": 12_000}


@kept(autouse=True)
def matrix() -> SeverityTableVersion:
    found = seed_severity_table(people.system())
    assert found is not None
    return found


@pytest.fixture
def hours(checkout: Service, alice: User) -> None:
    """The region of checkout works from 9 to 17, Monday to Friday."""
    set_region(checkout, actor=alice, region="eu", calendar=make.calendar())


def report(checkout: Service, **impact: Any) -> dict[str, Any]:
    return {"title": "Slow", "service": checkout.key, "level": "warning", **impact}


@pytest.mark.check("INC-06.1")
def test_attaches_what_the_computed_severity_sets_off_in_one_transaction(
    checkout: Service, bob: User, matrix: SeverityTableVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = people.api(bob).post(LIST, report(checkout, **MASS))

    assert answer.status_code == 201, answer.json()
    stored = Incident.objects.get()
    assert (stored.severity, stored.severity_version_id) == ("SEV1", matrix.pk)
    assert (stored.severity_line, stored.users_affected) == ("mass-outage", 12_000)
    attached = IncidentEngagement.objects.get()
    assert (attached.incident, attached.severity, attached.version_id) == (
        stored,
        "SEV1",
        matrix.pk,
    )
    assert attached.roles == ["incident_commander", "communications_lead", "duty_manager"]
    assert (attached.has_war_room, attached.communication_plan) == (True, "major-incident")
    assert attached.sla_target_minutes == 240
    event = Event.objects.get(kind="incident.opened")
    assert event.data["engagement"]["sla_target_minutes"] == 240

    def fail(event: Event) -> None:
        raise RuntimeError

    monkeypatch.setitem(events._within, "incident.opened", [fail])
    with pytest.raises(RuntimeError):
        people.api(bob).post(LIST, report(checkout, **MASS))
    assert (Incident.objects.count(), IncidentEngagement.objects.count()) == (1, 1)


@pytest.mark.check("INC-06.2")
@pytest.mark.usefixtures("hours")
def test_goes_by_the_hours_of_the_region_and_never_by_the_time_that_passed(
    checkout: Service, bob: User
) -> None:
    night = datetime.datetime(2030, 3, 4, 2, 0, tzinfo=datetime.UTC)
    with clock.simulated(night):
        asleep = make.incident(service=checkout, level="warning", actor=bob, **MASS)
    with clock.simulated(night + datetime.timedelta(hours=7)):
        awake = make.incident(service=checkout, level="warning", actor=bob, **MASS)

    assert (asleep.severity, asleep.severity_line) == ("SEV2", "mass-outage-out-of-hours")
    assert (asleep.was_in_hours, awake.was_in_hours) == (False, True)
    assert (awake.severity, awake.severity_line) == ("SEV1", "mass-outage")
    with clock.simulated(night + datetime.timedelta(hours=8)):
        revise_impact(asleep, actor=bob, changes={"users_affected": 12_001})

    stored = Incident.objects.get(pk=asleep.pk)
    assert (stored.severity, stored.severity_line) == ("SEV2", "mass-outage-out-of-hours")


@pytest.mark.check("INC-06.3")
@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({"exposure": "galaxy"}, "#/exposure"),
        ({"data_sensitivity": "secret"}, "#/data_sensitivity"),
        ({"users_affected": "many"}, "#/users_affected"),
        ({"users_affected": -1}, "#/users_affected"),
        ({"severity": "SEV4"}, "#/severity"),
    ],
)
def test_refuses_an_unknown_impact_and_a_severity_by_hand_at_the_api(
    checkout: Service, bob: User, incident: Incident, sent: dict[str, Any], pointer: str
) -> None:
    client = people.api(bob)

    opened = client.post(LIST, report(checkout, **sent))
    edited = client.patch(f"{LIST}{incident.reference}/", sent, HTTP_IF_MATCH="*")
    revised = client.post(f"{LIST}{incident.reference}/revise-impact/", sent)

    for answer in (opened, edited, revised):
        assert answer.status_code == 400, answer.json()
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
    assert Incident.objects.get().severity == "SEV2"


@pytest.mark.check("INC-06.3")
@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({"exposure": "galaxy"}, "Select a valid choice"),
        ({"severity": "SEV4"}, "The severity is computed"),
    ],
)
def test_refuses_an_unknown_impact_and_a_severity_by_hand_in_the_admin(
    checkout: Service, bob: User, incident: Incident, sent: dict[str, str], text: str
) -> None:
    browser = people.browser(bob)
    form = {"title": "Slow", "level": "warning", "service": str(checkout.pk), "description": ""}

    added = browser.post("/admin/incidents/incident/add/", {**form, **sent})

    assert added.status_code == 200
    assert text in added.content.decode()
    change = {
        **form,
        "team": incident.team_id,
        "edit_reason": "x",
        "seen_revision": incident.revision,
        "severity": "SEV4",
    }
    edited = browser.post(f"/admin/incidents/incident/{incident.pk}/change/", change)
    assert "The severity is computed" in edited.content.decode()
    stored = Incident.objects.get()
    assert (stored.severity, stored.title) == ("SEV2", incident.title)


def test_opens_by_impact_in_the_admin(checkout: Service, bob: User) -> None:
    form = {
        "title": "Names are public",
        "level": "warning",
        "service": str(checkout.pk),
        "description": "",
        "exposure": "public",
        "data_sensitivity": "special",
        "is_regulatory": "unknown",
    }

    answer = people.browser(bob).post("/admin/incidents/incident/add/", form)

    assert answer.status_code == 302, answer.content.decode()
    stored = Incident.objects.get()
    assert (stored.severity, stored.severity_line) == ("SEV1", "data-exposed")
    assert stored.is_regulatory is None


def test_says_why_at_the_api_and_in_the_admin(checkout: Service, bob: User) -> None:
    incident = make.incident(service=checkout, level="warning", actor=bob, **MASS)

    said = people.api(bob).get(f"{LIST}{incident.reference}/").json()
    page = people.browser(bob).get(f"/admin/incidents/incident/{incident.pk}/change/")

    basis = said["severity_basis"]
    assert (basis["computed"], basis["version"], basis["line"]) == ("SEV1", 1, "mass-outage")
    assert "Users affected is at least 10,000" in basis["rule"]
    assert {"text": "Users affected is at least 10,000", "actual": "12,000", "held": True} in (
        basis["findings"]
    )
    assert said["impact"]["users_affected"] == 12_000
    text = html.unescape(page.content.decode())
    assert "Why SEV1?" in text
    assert basis["text"] in text
    assert "restoration within 240 minutes" in text


def test_says_why_where_no_rule_matched(incident: Incident) -> None:
    basis = basis_of(incident)

    assert (basis.line, basis.findings) == ("error-1", [])
    assert "SEV2 of the level error on tier 1" in basis.text


def test_gets_worse_at_once_when_the_impact_grows(
    checkout: Service, bob: User, matrix: SeverityTableVersion
) -> None:
    incident = make.incident(service=checkout, level="warning", actor=bob)

    answer = people.api(bob).post(f"{LIST}{incident.reference}/revise-impact/", MASS)

    assert answer.status_code == 200, answer.json()
    assert answer.json()["severity"] == "SEV1"
    change = incident.severity_changes.get()
    assert (change.from_severity, change.to_severity, change.reason_code) == (
        "SEV3",
        "SEV1",
        "computed",
    )
    assert (change.requested_by, change.version_id, change.line) == (bob, matrix.pk, "mass-outage")
    assert [each.severity for each in incident.engagements.order_by("id")] == ["SEV3", "SEV1"]
    events = Event.objects.filter(kind__startswith="incident.").order_by("id")
    assert [each.kind for each in events][-2:] == [
        "incident.impact_revised",
        "incident.severity_changed",
    ]


@pytest.mark.usefixtures("hours")
def test_asks_for_the_hours_of_the_service_that_it_is_given(checkout: Service, bob: User) -> None:
    make.triage_team()
    with clock.simulated(datetime.datetime(2030, 3, 4, 2, 0, tzinfo=datetime.UTC)):
        incident = make.incident(level="warning", actor=bob, **MASS)
        assert (incident.was_in_hours, incident.severity) == (None, "SEV1")
        edit(incident, actor=bob, changes={"service": checkout}, reason="It is theirs.")

    stored = Incident.objects.get()
    assert (stored.was_in_hours, stored.computed_severity) == (False, "SEV2")
    assert stored.severity == "SEV1"
    assert stored.severity_changes.undecided().get().to_severity == "SEV2"


def test_keeps_the_impact_when_the_level_changes(checkout: Service, bob: User) -> None:
    incident = make.incident(service=checkout, level="warning", actor=bob, users_affected=2_000)

    edit(incident, actor=bob, changes={"level": "info"})

    stored = Incident.objects.get()
    assert (stored.severity, stored.severity_line) == ("SEV2", "wide-degradation")


def test_records_nothing_where_the_impact_is_the_same(checkout: Service, bob: User) -> None:
    incident = make.incident(service=checkout, actor=bob, **MASS)

    revise_impact(incident, actor=bob, changes=MASS)

    assert Incident.objects.get().revision == 1


def test_forgets_what_is_no_longer_known(checkout: Service, bob: User) -> None:
    incident = make.incident(service=checkout, actor=bob, exposure="customer", users_affected=5)
    changes = {
        "users_affected": "",
        "revenue_per_hour": "",
        "exposure": "",
        "data_sensitivity": "",
        "is_regulatory": "false",
        "justification": "",
        "evidence": "",
    }

    answer = people.browser(bob).post(
        f"/admin/incidents/incident/{incident.pk}/do/revise_impact/", changes
    )

    assert answer.status_code == 302, answer.content.decode()
    stored = Incident.objects.get()
    assert (stored.users_affected, stored.exposure, stored.is_regulatory) == (None, "", False)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("users_affected", {"users_affected": True}),
        ("revenue_per_hour", {"revenue_per_hour": 10**13}),
        ("exposure", {"exposure": "galaxy"}),
        ("is_regulatory", {"is_regulatory": "perhaps"}),
        ("severity", {"severity": "SEV4"}),
    ],
)
def test_names_the_part_of_the_impact_that_is_wrong(
    incident: Incident, bob: User, field: str, changes: dict[str, Any]
) -> None:
    with pytest.raises(Invalid) as refusal:
        revise_impact(incident, actor=bob, changes=changes)

    assert refusal.value.field == field


def test_is_stated_by_nobody_once_it_is_over(incident: Incident, alice: User) -> None:
    cancel(incident, actor=alice, reason="A test")

    answer = people.api(alice).post(f"{LIST}{incident.reference}/revise-impact/", MASS)

    assert (answer.status_code, answer.json()["code"]) == (409, "incident_over")


@pytest.mark.parametrize(
    ("who", "status"), [("bob", 200), ("alice", 200), ("carol", 403), ("mallory", 404)]
)
def test_is_stated_by_who_responds(
    request: pytest.FixtureRequest, incident: Incident, who: str, status: int
) -> None:
    person = request.getfixturevalue(who)

    answer = people.api(person).post(f"{LIST}{incident.reference}/revise-impact/", MASS)

    assert answer.status_code == status
