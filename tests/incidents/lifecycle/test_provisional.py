"""A provisional SEV1: who declares it, who decides, and what happens when nobody does."""

import datetime
from typing import Any

import pytest

from config import clock
from config.access.rules import Role
from config.due import jobs
from config.due.models import Timer
from config.due.worker import run_due
from config.errors import NotAllowed, Refused
from config.events.models import Event
from config.organisation.models import Team, User
from escalation.runs.models import EscalationRecord
from incidents.lifecycle.models import Incident, ProvisionalSeverity
from incidents.lifecycle.operations import (
    change_severity,
    confirm_provisional,
    decide_severity,
    declare_provisional,
    extend_provisional,
    lower_provisional,
    resolve,
    revise_impact,
)
from incidents.taxonomy.operations import seed_severity_table
from tests.config import make as people
from tests.escalation import make as make_escalation
from tests.harness.kept import kept

MINUTE = datetime.timedelta(minutes=1)
UNCLEAR = "Two regions are silent; nobody knows why."


@kept(autouse=True)
def matrix() -> Any:
    return seed_severity_table(people.system())


@pytest.fixture
def dora(payments: Team) -> User:
    """The duty manager of payments."""
    person = people.user("dora", name="Dora Dahl")
    people.role(Role.DUTY_MANAGER, to=person, on=payments)
    return person


@pytest.fixture
def provisional(incident: Incident, alice: User) -> ProvisionalSeverity:
    declare_provisional(incident, actor=alice, justification=UNCLEAR)
    found: ProvisionalSeverity = incident.provisionals.get()
    return found


def address(incident: Incident, name: str) -> str:
    return f"/api/v1/incidents/{incident.reference}/{name}/"


def form_of(incident: Incident, name: str) -> str:
    return f"/admin/incidents/incident/{incident.pk}/do/{name}/"


@pytest.mark.check("INC-07.3")
def test_is_declared_by_who_is_listed_alone(incident: Incident, bob: User, alice: User) -> None:
    body = {"justification": UNCLEAR}

    refused = people.api(bob).post(address(incident, "declare-provisional"), body)
    assert (refused.status_code, refused.json()["code"]) == (403, "provisional_not_listed")
    in_admin = people.browser(bob).post(form_of(incident, "declare_provisional"), body)
    assert "You aren&#x27;t listed" in in_admin.content.decode()
    assert Incident.objects.get().severity == "SEV2"
    assert Event.objects.filter(kind="access.refused").count() == 2
    page = f"/admin/incidents/incident/{incident.pk}/change/"
    assert "/do/declare_provisional/" not in people.browser(bob).get(page).content.decode()
    assert "/do/declare_provisional/" in people.browser(alice).get(page).content.decode()

    done = people.api(alice).post(address(incident, "declare-provisional"), body)

    assert done.status_code == 200, done.json()
    assert (done.json()["severity"], done.json()["provisional"]["declared_by"]) == ("SEV1", "alice")
    stored = ProvisionalSeverity.objects.get()
    assert stored.until - stored.declared_at == 60 * MINUTE
    change = incident.severity_changes.get()
    assert (change.reason_code, change.justification) == ("provisional", UNCLEAR)
    assert [each.severity for each in incident.engagements.order_by("id")] == ["SEV2", "SEV1"]


@pytest.mark.check("INC-07.3")
def test_is_escalated_by_the_sweep_and_shown_as_overdue(
    incident: Incident, provisional: ProvisionalSeverity, alice: User
) -> None:
    make_escalation.policy([make_escalation.person_tier(alice)], rounds=1)
    Timer.objects.filter(kind="severity.provisional").update(done_at=clock.now())  # it was lost
    late = provisional.until + 2 * MINUTE

    assert jobs.run("severity_provisional_sweep", provisional.until - MINUTE) == 0
    assert jobs.run("severity_provisional_sweep", late) == 1
    assert jobs.run("severity_provisional_sweep", late + MINUTE) == 0

    event = Event.objects.get(kind="incident.provisional_overdue")
    assert event.data["provisional_id"] == provisional.pk
    record = EscalationRecord.objects.get(kind="escalated")
    assert "overdue" in record.reason
    with clock.simulated(late):
        said = people.api(alice).get(f"/api/v1/incidents/{incident.reference}/").json()
        listed = people.api(alice).get("/api/v1/incidents/?provisional_overdue=true").json()
        page = people.browser(alice).get(f"/admin/incidents/incident/{incident.pk}/change/")
        queue = people.browser(alice).get("/admin/incidents/incident/?attention=overdue")
    assert said["provisional"]["overdue"] is True
    assert [each["reference"] for each in listed["results"]] == [incident.reference]
    assert "Provisional SEV1, overdue" in page.content.decode()
    assert incident.title in queue.content.decode()


def test_is_escalated_to_the_minute_by_its_timer(
    incident: Incident, provisional: ProvisionalSeverity, alice: User
) -> None:
    run_due(provisional.until - MINUTE)
    assert not Event.objects.filter(kind="incident.provisional_overdue").exists()

    run_due(provisional.until)
    jobs.run("severity_provisional_sweep", provisional.until + MINUTE)

    assert Event.objects.filter(kind="incident.provisional_overdue").count() == 1


@pytest.mark.parametrize("how", ["confirmed", "lowered", "resolved"])
def test_is_not_escalated_once_it_is_decided_or_over(
    incident: Incident, provisional: ProvisionalSeverity, alice: User, dora: User, how: str
) -> None:
    if how == "confirmed":
        confirm_provisional(incident, actor=alice)
    elif how == "lowered":
        lower_provisional(incident, actor=dora, to="SEV3", justification="One node.")
    else:
        resolve(incident, actor=alice)

    run_due(provisional.until + MINUTE)
    jobs.run("severity_provisional_sweep", provisional.until + MINUTE)

    assert not Event.objects.filter(kind="incident.provisional_overdue").exists()


def test_is_extended_once_by_the_duty_manager(
    incident: Incident, provisional: ProvisionalSeverity, alice: User, dora: User
) -> None:
    body = {"reason": "The provider answers at three."}

    assert people.api(alice).post(address(incident, "extend-provisional"), body).status_code == 403
    done = people.api(dora).post(address(incident, "extend-provisional"), body)
    assert done.status_code == 200, done.json()
    again = people.api(dora).post(address(incident, "extend-provisional"), body)

    assert (again.status_code, again.json()["code"]) == (409, "provisional_extended")
    stored = ProvisionalSeverity.objects.get()
    assert stored.until == provisional.until + 60 * MINUTE
    assert (stored.extended_by, stored.escalated_at) == (dora, None)
    run_due(provisional.until + MINUTE)
    assert not Event.objects.filter(kind="incident.provisional_overdue").exists()
    run_due(stored.until)
    assert Event.objects.filter(kind="incident.provisional_overdue").count() == 1


def test_is_extended_from_now_where_it_is_overdue(
    incident: Incident, provisional: ProvisionalSeverity, dora: User
) -> None:
    run_due(provisional.until)
    with clock.simulated(provisional.until + 5 * MINUTE):
        extend_provisional(incident, actor=dora, reason="Nearly there.")

    assert ProvisionalSeverity.objects.get().until == provisional.until + 65 * MINUTE


def test_is_confirmed(incident: Incident, provisional: ProvisionalSeverity, alice: User) -> None:
    done = people.browser(alice).post(
        form_of(incident, "confirm_provisional"), {"justification": "Both regions are down."}
    )

    assert done.status_code == 302
    stored = ProvisionalSeverity.objects.get()
    assert (stored.outcome, stored.ended_by) == ("confirmed", alice)
    assert Incident.objects.get().severity == "SEV1"
    with pytest.raises(Refused):
        confirm_provisional(incident, actor=alice)


def test_is_lowered_by_somebody_else_than_who_declared_it(
    incident: Incident, provisional: ProvisionalSeverity, alice: User, dora: User
) -> None:
    body = {"to": "SEV3", "justification": "One node."}

    own = people.api(alice).post(address(incident, "lower-provisional"), body)
    assert (own.status_code, own.json()["code"]) == (409, "four_eyes")
    empty = people.browser(dora).post(
        form_of(incident, "lower_provisional"), {**body, "justification": ""}
    )
    assert "justification" in empty.context["form"].errors
    done = people.api(dora).post(address(incident, "lower-provisional"), body)

    assert (done.status_code, done.json()["severity"]) == (200, "SEV3")
    assert done.json()["provisional"] is None
    assert ProvisionalSeverity.objects.get().outcome == "lowered"
    change = incident.severity_changes.order_by("-id")[0]
    assert (change.was_provisional, change.requested_by) == (True, dora)


def test_ends_when_a_second_person_approves_a_lower_severity(
    incident: Incident, provisional: ProvisionalSeverity, alice: User, dora: User, payments: Team
) -> None:
    change = change_severity(
        incident, actor=alice, to="SEV2", reason_code="misjudged", justification="One node."
    )
    people.role(Role.SERVICE_OWNER, to=dora, on=payments)
    decide_severity(incident, actor=dora, change=change.pk, approve=True)

    assert ProvisionalSeverity.objects.get().outcome == "lowered"
    assert Incident.objects.get().severity == "SEV2"


def test_stays_provisional_whatever_the_matrix_says(
    incident: Incident, provisional: ProvisionalSeverity, bob: User
) -> None:
    revise_impact(incident, actor=bob, changes={"users_affected": 3})

    stored = Incident.objects.get()
    assert (stored.severity, stored.severity_changes.count()) == ("SEV1", 1)


def test_is_declared_once(
    incident: Incident, provisional: ProvisionalSeverity, alice: User
) -> None:
    with pytest.raises(Refused) as refusal:
        declare_provisional(incident, actor=alice, justification=UNCLEAR)

    assert refusal.value.public_code == "provisional_declared"


def test_is_declared_by_roles_of_the_place(incident: Incident, mallory: User) -> None:
    with pytest.raises(NotAllowed):
        declare_provisional(incident, actor=mallory, justification=UNCLEAR)
