"""Asking for evidence, and deciding about it."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from compliance.evidence.models import AuditRequest, RequestState
from compliance.evidence.operations import approve_request, refuse_request
from config.access.rules import Role
from config.errors import FourEyes, HumanRequired, Invalid, NotAllowed, Refused
from config.events.models import Event
from config.organisation.models import BusinessUnit, User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import edit, let_in
from tests.compliance.make import audit_request
from tests.config import make

LIST = "/api/v1/audit-requests/"
BODY = {
    "title": "Yearly audit",
    "period_from": "2026-01-01T00:00:00Z",
    "period_until": "2027-01-01T00:00:00Z",
    "reason": "ISAE 3402",
    "legal_basis": "Contract, clause 12",
}


def test_is_asked_for_and_approved_through_the_api(
    carol: User, lena: User, checkout: Service
) -> None:
    asked = make.api(carol).post(LIST, {**BODY, "service": "checkout"})
    address = f"{LIST}{asked.json()['id']}/"
    done = make.api(lena).post(f"{address}approve/", {"reason": "Agreed"})

    assert (asked.status_code, asked.json()["state"]) == (201, "requested")
    assert (done.status_code, done.json()["decided_by"]) == (200, "lena")
    stored = AuditRequest.objects.get()
    assert (stored.state, stored.service, stored.decision_reason) == (
        "approved",
        checkout,
        "Agreed",
    )
    history = make.api(carol).get(f"{address}history/").json()["results"]
    assert [(row["actor"], row["origin"]) for row in history] == [("lena", "api"), ("carol", "api")]
    told = Event.objects.filter(kind__startswith="audit.").order_by("pk")
    assert [each.kind for each in told] == ["audit.requested", "audit.approved"]


def test_is_asked_for_and_refused_in_the_admin(carol: User, lena: User) -> None:
    form = {
        "title": "Yearly audit", "reason": "ISAE 3402", "legal_basis": "",
        "period_from_0": "2026-01-01", "period_from_1": "00:00:00",
        "period_until_0": "2027-01-01", "period_until_1": "00:00:00",
        "unit": "", "service": "", "incident": "",
    }  # fmt: skip
    answer = make.browser(carol).post("/admin/compliance/auditrequest/add/", form)
    request = AuditRequest.objects.get()
    page = f"/admin/compliance/auditrequest/{request.pk}"
    shown = make.browser(lena).get(f"{page}/change/").content.decode()
    make.browser(lena).post(f"{page}/do/refuse/", {"reason": "Too wide"})

    assert answer.status_code == 302
    assert "do/approve" in shown
    assert "do/export" not in shown
    request.refresh_from_db()
    assert (request.state, request.decision_reason) == (RequestState.REFUSED, "Too wide")
    last = request.history.latest()
    assert (last.history_user, last.origin, last.history_change_reason) == (
        lena, "admin", "Too wide",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"period_until": "2026-01-01T00:00:00Z"}, ""),
        ({"unit": "retail", "service": "checkout"}, "unit"),
        ({"service": "unknown"}, "service"),
        ({"scope": "all"}, "scope"),
        ({"period_from": "yesterday"}, "period_from"),
    ],
)
def test_refuses_a_request_that_makes_no_sense(
    carol: User, checkout: Service, change: dict[str, str], field: str
) -> None:
    answer = make.api(carol).post(LIST, BODY | change)

    assert answer.status_code == 400, answer.json()
    assert field in answer.content.decode()
    assert not AuditRequest.objects.exists()


def test_is_decided_by_somebody_else_even_for_superusers(root: User, lena: User) -> None:
    mine, hers = audit_request(root), audit_request(lena)

    with pytest.raises(FourEyes):
        approve_request(mine, actor=root)
    answer = make.api(lena).post(f"{LIST}{hers.pk}/approve/", {})

    assert (answer.status_code, answer.json()["code"]) == (409, "four_eyes")
    assert set(AuditRequest.objects.values_list("state", flat=True)) == {"requested"}


@pytest.mark.parametrize("decided_by", ["requested_by_id", "NULL"])
def test_is_held_to_four_eyes_by_the_database(carol: User, lena: User, decided_by: str) -> None:
    request = audit_request(carol)

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE compliance_auditrequest SET state = 'approved', decided_at = now(), "
            f"decided_by_id = {decided_by} WHERE id = %s",
            [request.pk],
        )

    assert AuditRequest.objects.get().state == RequestState.REQUESTED


def test_is_decided_once_and_by_a_person(carol: User, lena: User) -> None:
    request = audit_request(carol)
    with pytest.raises(HumanRequired):
        approve_request(request, actor=make.service_account("bot"))
    with pytest.raises(Invalid):
        refuse_request(request, actor=lena, reason=" ")
    approve_request(request, actor=lena)

    with pytest.raises(Refused):
        refuse_request(request, actor=lena, reason="On second thoughts")

    assert AuditRequest.objects.get().state == RequestState.APPROVED


def test_is_not_decided_by_auditors(carol: User) -> None:
    other = make.user("olaf")
    make.role(Role.AUDITOR, to=other)
    request = audit_request(carol)

    for verb in ("approve", "refuse"):
        answer = make.api(other).post(f"{LIST}{request.pk}/{verb}/", {"reason": "x"})
        assert answer.status_code == 403
    page = make.browser(other).post(f"/admin/compliance/auditrequest/{request.pk}/do/approve/")
    assert page.status_code == 403
    assert AuditRequest.objects.get().state == RequestState.REQUESTED


def test_is_not_for_everybody_to_ask(alice: User, bob: User, mallory: User) -> None:
    for person in (alice, bob, mallory):
        with pytest.raises(NotAllowed):
            audit_request(person)
        assert make.api(person).post(LIST, BODY).status_code == 403

    assert not AuditRequest.objects.exists()


def test_is_unknown_to_strangers(carol: User, alice: User, mallory: User) -> None:
    request = audit_request(carol)

    for person in (alice, mallory):
        client, browser = make.api(person), make.browser(person)
        assert client.get(LIST).json()["results"] == []
        for tail in ("", "history/"):
            assert client.get(f"{LIST}{request.pk}/{tail}").status_code == 404
        for verb in ("approve", "refuse"):
            answer = client.post(f"{LIST}{request.pk}/{verb}/", {"reason": "x"})
            assert answer.status_code == 404
        for tail in ("change", "history", "do/approve", "do/export"):
            page = browser.get(f"/admin/compliance/auditrequest/{request.pk}/{tail}/")
            assert page.status_code == 404


def test_is_seen_by_auditors_of_its_unit_only(
    carol: User, retail: BusinessUnit, freight: BusinessUnit, checkout: Service
) -> None:
    inside, outside = make.user("ida"), make.user("otto")
    make.role(Role.AUDITOR, to=inside, on=retail)
    make.role(Role.AUDITOR, to=outside, on=freight)
    rows = [audit_request(carol, unit=retail), audit_request(carol, service=checkout)]
    everything = audit_request(carol)

    seen = AuditRequest.objects.visible_to(inside).order_by("pk")
    assert list(seen) == rows
    assert not AuditRequest.objects.visible_to(outside).exists()
    assert everything in AuditRequest.objects.visible_to(carol)


def test_does_not_betray_a_restricted_incident(
    carol: User, lena: User, incident: Incident, alice: User, root: User
) -> None:
    let_in(incident, carol, actor=alice)
    edit(incident, actor=alice, changes={"is_restricted": True}, reason="Personnel")
    request = audit_request(carol, incident=incident, title="About the restricted one")
    address = f"{LIST}{request.pk}/"

    assert make.api(lena).post(f"{address}approve/", {}).status_code == 404
    let_in(incident, lena, actor=alice)
    assert make.api(lena).post(f"{address}approve/", {}).status_code == 200


def _home(person: User) -> str:
    return make.browser(person).get("/admin/").content.decode()


def test_waits_on_the_home_page_of_compliance(carol: User, lena: User, alice: User) -> None:
    assert "Nobody waits for your decision." in _home(lena)
    audit_request(carol, title="Payments, second half")

    assert "Payments, second half" in _home(lena)
    assert "Audit requests awaiting my decision" not in _home(carol) + _home(alice)


def test_says_what_to_do_in_an_empty_list(carol: User) -> None:
    browser: Any = make.browser(carol)

    page = browser.get("/admin/compliance/auditrequest/").content.decode()
    exports = browser.get("/admin/compliance/export/").content.decode()

    assert "Add a request" in page
    assert "Open an approved audit request" in exports
