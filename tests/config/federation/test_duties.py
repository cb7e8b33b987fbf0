"""Who may triage and command where the operating model gives that to the enterprise (CMP-22)."""

import datetime
from typing import Any

import pytest
from django.test import Client

from config import clock
from config.access.rules import Role
from config.events.models import Event
from config.federation.models import OperatingModelVersion
from config.governance.activation import put_in_force
from config.governance.operations import propose
from config.organisation.models import BusinessUnit, Team, User
from incidents.catalog.models import Service
from incidents.intake.models import IntakeItem, ItemState
from incidents.intake.operations import report
from incidents.lifecycle.models import Incident, ProvisionalSeverity
from incidents.lifecycle.rules import State
from tests.config import make
from tests.incidents import make as make_incidents

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
WHY = {"justification": "The extent is unclear."}


def declare(unit: BusinessUnit, model: str) -> OperatingModelVersion:
    """The unit is run by that model from now on."""
    system = make.system()
    version = propose(
        OperatingModelVersion, "default", unit=unit, actor=system, values={"model": model}
    )
    put_in_force(version, system, mode="installation", reason="for a test")
    return version


@pytest.fixture
def gina(db: None) -> User:
    """Commands for the whole enterprise."""
    person = make.user("gina")
    make.role(Role.INCIDENT_COMMANDER, to=person)
    return person


@pytest.fixture
def declarer(payments: Team) -> User:
    """Listed to declare, in the unit alone."""
    person = make.user("dina")
    make.role(Role.DUTY_MANAGER, to=person, on=payments.unit)
    return person


def post(actor: User, incident: Incident, verb: str, **body: Any) -> Any:
    return make.api(actor).post(f"/api/v1/incidents/{incident.reference}/{verb}/", body)


def refusals(actor: User) -> list[str]:
    rows = Event.objects.filter(kind="access.refused", actor=actor).order_by("id")
    return [row.data["code"] for row in rows]


@pytest.mark.check("CMP-22.3")
def test_gives_command_to_the_enterprise_for_what_is_opened_after_the_switch(
    checkout: Service, retail: BusinessUnit, alice: User, gina: User
) -> None:
    before = make_incidents.incident(service=checkout)
    with clock.simulated(clock.now() + DAY):
        declare(retail, "central")
    with clock.simulated(clock.now() + 2 * DAY):
        after = make_incidents.incident(service=checkout)

        kept = post(alice, before, "cancel", reason="A false alarm")
        refused = post(alice, after, "cancel", reason="A false alarm")
        stored = Incident.objects.get(pk=after.pk).state
        done = post(gina, after, "cancel", reason="A false alarm")

    assert (kept.status_code, refused.status_code, done.status_code) == (200, 403, 200)
    assert refused.data["code"] == "duty_elsewhere"
    assert "Command in Retail lies with" in refused.data["detail"]
    assert stored == State.NEW
    assert {row.state for row in Incident.objects.all()} == {State.CANCELLED}
    assert refusals(alice) == ["duty_elsewhere"]


@pytest.mark.parametrize("model", ["federated", "local"])
def test_leaves_command_to_the_unit_by_other_models(
    model: str, checkout: Service, retail: BusinessUnit, alice: User
) -> None:
    declare(retail, model)
    incident = make_incidents.incident(service=checkout)

    answers = [post(alice, incident, "triage"), post(alice, incident, "cancel", reason="None")]

    assert [each.status_code for each in answers] == [200, 200]
    assert Incident.objects.get().state == State.CANCELLED


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("triage", {}),
        ("declare-provisional", WHY),
        ("severity-changes", {"to": "SEV1", "reason_code": "misjudged", **WHY}),
    ],
)
def test_refuses_what_is_the_enterprises_to_decide(
    verb: str, body: dict[str, str], checkout: Service, retail: BusinessUnit, declarer: User
) -> None:
    declare(retail, "central")
    incident = make_incidents.incident(service=checkout, level="warning")
    was = (incident.state, incident.severity)

    answer = post(declarer, incident, verb, **body)

    incident.refresh_from_db()
    assert (answer.status_code, answer.data["code"]) == (403, "duty_elsewhere"), answer.data
    assert (incident.state, incident.severity) == was
    assert not ProvisionalSeverity.objects.exists()
    assert refusals(declarer) == ["duty_elsewhere"]


def test_lets_the_enterprise_declare(
    checkout: Service, retail: BusinessUnit, declarer: User, gina: User
) -> None:
    incident = make_incidents.incident(service=checkout, level="warning")
    with clock.simulated(clock.now() + DAY):
        declare(retail, "central")
        later = make_incidents.incident(service=checkout, level="warning")
        answers = [
            post(declarer, incident, "declare-provisional", **WHY),
            post(gina, later, "declare-provisional", **WHY),
            post(declarer, later, "extend-provisional", reason="Still unclear"),
        ]

    assert [each.status_code for each in answers] == [200, 200, 403]
    assert {row.incident for row in ProvisionalSeverity.objects.all()} == {incident, later}


def test_offers_only_what_is_ones_own_duty(
    checkout: Service, retail: BusinessUnit, alice: User, gina: User
) -> None:
    declare(retail, "central")
    incident = make_incidents.incident(service=checkout)
    row = f"/api/v1/incidents/{incident.reference}/"

    allowed = {who: set(make.api(who).get(row).data["allowed"]) for who in (alice, gina)}
    page = make.browser(alice).get(f"/admin/incidents/incident/{incident.pk}/change/")

    assert allowed[gina] - allowed[alice] == {"triage", "cancel"}
    assert {"investigate", "resolve", "acknowledge"} <= allowed[alice]
    assert "(central model)" in page.content.decode()
    assert f"/admin/incidents/incident/{incident.pk}/do/cancel/" not in page.content.decode()


# Intake


def qualified(client: Any, item: IntakeItem, team: Team) -> list[Any]:
    """Every way to qualify a report, or to give it to somebody."""
    row = f"/api/v1/intake-items/{item.pk}/"
    return [
        client.post(f"{row}qualify/", {"is_interrupted": True}),
        client.post(f"{row}override/", {"outcome": "problem", "reason": "It comes back"}),
        client.post(f"{row}hand-over/", {"team": team.key}),
        client.post(f"{row}convert/", {"level": "error"}),
    ]


def test_qualifies_and_assigns_reports_where_triage_lies(
    checkout: Service, retail: BusinessUnit, payments: Team, bob: User, gina: User
) -> None:
    other = make.team("second", unit=retail)
    make.role(Role.ANALYST, to=bob, on=retail)
    declare(retail, "central")
    item = report(title="Slow", service=checkout, actor=bob)

    refused = qualified(make.api(bob), item, other)
    untouched = IntakeItem.objects.get()
    decisions = untouched.decisions.count()
    done = qualified(make.api(gina), item, other)

    assert [(each.status_code, each.data["code"]) for each in refused] == [
        (403, "duty_elsewhere")
    ] * 4
    assert (untouched.state, untouched.revision) == (ItemState.OPEN, item.revision)
    assert decisions == 1
    assert refusals(bob) == ["duty_elsewhere"] * 4
    assert [each.status_code for each in done] == [200, 200, 200, 200], [d.data for d in done]
    assert IntakeItem.objects.get().state == ItemState.CONVERTED


def test_leaves_open_reports_with_who_had_them(
    checkout: Service, retail: BusinessUnit, bob: User
) -> None:
    item = report(title="Slow", service=checkout, actor=bob)
    with clock.simulated(clock.now() + DAY):
        declare(retail, "central")

        answer = make.api(bob).post(f"/api/v1/intake-items/{item.pk}/convert/", {"level": "info"})

    assert answer.status_code == 200, answer.data
    assert IntakeItem.objects.get().state == ItemState.CONVERTED


def test_offers_no_verbs_on_reports_of_others_in_the_admin(
    checkout: Service, retail: BusinessUnit, bob: User, gina: User
) -> None:
    declare(retail, "central")
    item = report(title="Slow", service=checkout, actor=bob)
    page = f"/admin/incidents/intakeitem/{item.pk}/change/"
    browsers: list[Client] = [make.browser(bob), make.browser(gina)]

    shown = [browser.get(page).content.decode().count("/do/convert/") for browser in browsers]

    assert shown[0] == 0
    assert shown[1] > 0
