"""Who is responsible for what in an incident, and who holds which function of the tools."""

import pytest

from config.access.rules import Role
from config.errors import NotAllowed
from config.organisation.models import Team, User
from incidents.lifecycle.models import Incident
from incidents.responsibility.models import RaciVersion, ToolFunction
from incidents.responsibility.operations import (
    assign_function,
    raci_for,
    require_function,
    seed_raci,
)
from incidents.responsibility.rules import Activity, Function, problems_of, shipped_rows
from tests.config import make as people

pytestmark = pytest.mark.django_db
URL = "/api/v1/raci-matrices/"
FUNCTIONS = "/api/v1/tool-functions/"


@pytest.fixture
def matrix(db: None) -> RaciVersion:
    made = seed_raci(people.system())
    assert made is not None
    return made


@pytest.fixture
def author(db: None) -> User:
    person = people.user("anna")
    people.role(Role.POLICY_AUTHOR, to=person)
    return person


@pytest.fixture
def approver(db: None) -> User:
    person = people.user("paul")
    people.role(Role.POLICY_APPROVER, to=person)
    return person


def test_is_complete_as_shipped() -> None:
    assert problems_of((row["activity"], row["letter"]) for row in shipped_rows()) == []


@pytest.mark.check("INC-03.1")
def test_refuses_a_second_accountable(matrix: RaciVersion, author: User) -> None:
    client = people.api(author)
    draft = client.post(URL, {"change_reason": "Try"})
    second = {"activity": "command", "letter": "A", "party": "service_team"}
    rows = [*draft.data["assignments"], second]

    answer = client.patch(
        f"{URL}{draft.data['id']}/", {"assignments": rows}, HTTP_IF_MATCH=draft["ETag"]
    )

    assert answer.status_code in (400, 409)
    assert "raci_one_accountable" in str(answer.data)
    stored = RaciVersion.objects.get(pk=draft.data["id"])
    assert stored.assignments.filter(activity="command", letter="A").count() == 1


@pytest.mark.check("INC-03.1")
def test_is_not_activated_without_a_responsible(
    matrix: RaciVersion, author: User, approver: User
) -> None:
    client = people.api(author)
    draft = client.post(URL, {"change_reason": "Try"})
    rows = [row for row in draft.data["assignments"] if row["line"] != "command-r"]
    row = f"{URL}{draft.data['id']}/"
    saved = client.patch(row, {"assignments": rows}, HTTP_IF_MATCH=draft["ETag"])
    assert saved.status_code == 200, saved.data
    client.post(f"{row}submit/")
    people.api(approver).post(f"{row}approve/")

    answer = client.post(f"{row}activate/")

    assert (answer.status_code, answer.data["code"]) == (409, "blocked")
    assert [each["code"] for each in answer.data["blockers"]] == ["raci_responsible"]
    assert RaciVersion.objects.get(state="active") == matrix


@pytest.mark.check("INC-03.2")
def test_shows_the_matrix_resolved_for_an_incident(
    matrix: RaciVersion, incident: Incident, alice: User, bob: User, mallory: User
) -> None:
    answer = people.api(bob).get(f"/api/v1/incidents/{incident.reference}/raci/")
    page = people.browser(bob).get(f"/admin/incidents/incident/{incident.pk}/change/")

    assert answer.data["matrix"] == matrix.pk
    found = {(row["activity"], row["letter"]): row for row in answer.data["assignments"]}
    assert found["diagnose", "R"]["teams"] == ["payments"]
    assert found["command", "R"]["teams"] == ["payments"]
    assert found["command", "R"]["people"] == ["alice"]  # and not mallory, of another unit
    assert "Incident commander" in page.content.decode()
    stranger = people.api(mallory).get(f"/api/v1/incidents/{incident.reference}/raci/")
    assert stranger.status_code == 404


def test_resolves_nothing_before_a_matrix_is_in_force(incident: Incident) -> None:
    assert raci_for(incident.team, incident.unit) == (None, [])


def test_names_each_activity(matrix: RaciVersion, incident: Incident) -> None:
    _, rows = raci_for(incident.team, incident.unit)

    assert {row.activity for row in rows} == set(Activity.values)


def test_is_held_by_the_team_that_the_nearest_unit_names(
    payments: Team, logistics: Team, bob: User, mallory: User
) -> None:
    system = people.system()
    require_function(bob, Function.STATUS_PAGE, payments.unit)
    assign_function(actor=system, function="status_page", team=logistics)
    with pytest.raises(NotAllowed) as refusal:
        require_function(bob, Function.STATUS_PAGE, payments.unit)
    require_function(mallory, Function.STATUS_PAGE, payments.unit)
    assign_function(actor=system, function="status_page", team=payments, unit=payments.unit)

    require_function(bob, Function.STATUS_PAGE, payments.unit)
    assert (refusal.value.public_code, refusal.value.audit) == ("function_not_held", True)


def test_is_assigned_by_who_manages_the_unit(payments: Team, carol: User) -> None:
    dora = people.user("dora")
    people.role(Role.UNIT_ADMINISTRATOR, to=dora, on=payments.unit)
    body = {"function": "paging", "unit": "retail", "team": "payments"}

    assert people.api(carol).post(FUNCTIONS, body).status_code == 403
    made = people.api(dora).post(FUNCTIONS, body)
    again = people.api(dora).post(FUNCTIONS, body)

    assert (made.status_code, again.status_code) == (201, 409), again.data
    assert ToolFunction.objects.get().team == payments
