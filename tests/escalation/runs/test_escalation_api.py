"""Escalations over the API and in the admin."""

import datetime

import pytest
from django.db import DatabaseError, connection, transaction

from config import clock
from config.access.rules import Role
from config.audit.tracking import UntrackedWrite
from config.due.worker import run_due
from config.organisation.models import User
from escalation.paging.models import Page
from escalation.runs.models import EscalationRecord, EscalationRun
from incidents.lifecycle.models import Incident
from tests.config import make as people
from tests.escalation.make import after

URL = "/api/v1/escalations/"


@pytest.fixture
def paging(incident: Incident) -> EscalationRun:
    run_due(after(0))
    return EscalationRun.objects.get()


def test_shows_how_far_it_is(paging: EscalationRun, alice: User) -> None:
    answer = people.api(alice).get(URL, {"incident": paging.incident.reference.lower()})

    (row,) = answer.data["results"]
    assert {name: row[name] for name in ("policy", "policy_version", "state", "tier", "round")} == {
        "policy": "default", "policy_version": 1, "state": "active", "tier": 1, "round": 1,
    }  # fmt: skip
    records = people.api(alice).get(f"{URL}{paging.pk}/records/").data["results"]
    assert [(each["kind"], each["person"], each["actor"]) for each in records] == [
        ("paged", "bob", people.system().username),
        ("started", None, people.system().username),
    ]


@pytest.mark.check("ESC-10.1")
@pytest.mark.parametrize("reason", [None, "", "   "])
def test_refuses_to_escalate_without_a_justification(
    paging: EscalationRun, alice: User, reason: str | None
) -> None:
    before = EscalationRecord.objects.count()
    body = {"incident": paging.incident.reference, "reason": reason}

    api = people.api(alice).post(URL, {name: v for name, v in body.items() if v is not None})
    page = f"/admin/escalation/escalationrun/{paging.pk}/do/escalate/"
    admin = people.browser(alice).post(page, {"reason": reason or ""})

    assert (api.status_code, api.data["errors"][0]["pointer"]) == (400, "#/reason")
    assert admin.status_code == 200
    assert "This field is required." in admin.content.decode()
    assert EscalationRecord.objects.count() == before


@pytest.mark.check("ESC-10.1")
@pytest.mark.parametrize("door", ["api", "admin"])
def test_keeps_the_justification_for_ever(paging: EscalationRun, alice: User, door: str) -> None:
    if door == "api":
        body = {"incident": paging.incident.reference, "reason": "Customers call."}
        assert people.api(alice).post(URL, body).status_code == 201
    else:
        page = f"/admin/escalation/escalationrun/{paging.pk}/do/escalate/"
        assert people.browser(alice).post(page, {"reason": "Customers call."}).status_code == 302

    record = EscalationRecord.objects.get(kind="escalated")
    assert (record.actor, record.reason) == (alice, "Customers call.")
    record.reason = "Nothing."
    with pytest.raises(UntrackedWrite):
        record.save()
    for statement in ("UPDATE {} SET reason = ''", "DELETE FROM {}"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement.format(EscalationRecord._meta.db_table))
    assert EscalationRecord.objects.get(kind="escalated").reason == "Customers call."


@pytest.mark.check("ESC-09.2")
def test_is_stopped_by_people_only_and_keeps_the_first_time(
    paging: EscalationRun, payments, alice: User, bob: User
) -> None:
    robot = people.service_account("robot")
    people.role(Role.INCIDENT_COMMANDER, to=robot, on=payments)
    address = f"/api/v1/incidents/{paging.incident.reference}/acknowledge/"

    with clock.simulated(after(1)):
        refused = people.api(robot).post(address)
    assert (refused.status_code, refused.data["code"]) == (403, "human_required")
    assert EscalationRun.objects.get().state == "active"

    for minute, person in ((2, alice), (3, bob)):
        with clock.simulated(after(minute)):
            assert people.api(person).post(address).status_code == 200
    incident = Incident.objects.get()
    assert (incident.acknowledged_by, incident.acknowledged_at) == (alice, after(2))
    kept = incident.timeline.filter(event__kind="incident.acknowledged").order_by("id")
    assert [line.actor for line in kept] == [alice, bob]
    assert EscalationRun.objects.get().acknowledged_at == after(2)


def test_lists_pages_newest_first_a_page_at_a_time(paging: EscalationRun, alice: User) -> None:
    run_due(after(20))
    client = people.api(alice)
    first = client.get("/api/v1/pages/", {"page_size": 2})

    second = client.get(first.data["next"])

    rows = [*first.data["results"], *second.data["results"]]
    assert [row["tier"] for row in rows] == [3, 2, 1]
    assert {row["state"] for row in rows} == {"sent"}
    assert second.data["next"] is None
    assert client.get("/api/v1/pages/?cursor=cD0xMjM%3D").status_code == 400


def test_shows_a_page(paging: EscalationRun, bob: User) -> None:
    page = Page.objects.get()

    row = people.api(bob).get(f"/api/v1/pages/{page.pk}/").data

    assert (row["incident"], row["responder"], row["channel"], row["state"]) == (
        paging.incident.reference, "bob", "mail", "sent",
    )  # fmt: skip
    sent_at = datetime.datetime.fromisoformat(row["sent_at"])
    assert sent_at == after(0)
    assert people.api(bob).get("/api/v1/pages/nonsense/").status_code == 404
