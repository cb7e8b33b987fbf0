"""Roles that are kept apart: refused, or given until the end of an exception (CMP-02.2)."""

import datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group
from rest_framework.test import APIClient

from config import clock
from config.access.models import RoleAssignment
from config.access.operations import add_member, change_end, enterprise, grant_role
from config.access.rules import Role
from config.access.separation import Segregated
from config.due.worker import run_due
from config.duties.models import DutyException, ExceptionState, SegregationVersion
from config.duties.operations import conflicts_now
from config.errors import Blocked, Refused
from config.events.models import Event
from config.governance.activation import retire
from config.organisation.models import User
from tests.config import make

pytestmark = pytest.mark.django_db
ROLES = "/api/v1/role-assignments/"
EXCEPTIONS = "/api/v1/duty-exceptions/"
DAY = datetime.timedelta(days=1)


def grant(client: APIClient, **changes: Any) -> Any:
    body = {
        "role": "policy_approver", "person": "eve", "container_type": "unit",
        "container": "enterprise", "reason": "holidays",
    }  # fmt: skip
    return client.post(ROLES, {**body, **changes})


def ask(client: APIClient, **changes: Any) -> Any:
    body = {
        "person": "eve", "first": "policy_author", "second": "policy_approver",
        "until": (clock.now() + 10 * DAY).isoformat(), "reason": "Only she knows the matrix",
    }  # fmt: skip
    return client.post(EXCEPTIONS, {**body, **changes})


def held(person: User) -> set[str]:
    rows = RoleAssignment.objects.in_force().filter(person=person)
    return set(rows.values_list("role__name", flat=True))


@pytest.mark.check("CMP-02.2")
def test_refuses_a_pair_and_leaves_a_trace(administrator: APIClient, eve: User, una: User) -> None:
    answer = grant(administrator)

    assert (answer.status_code, answer.json()["code"]) == (409, "segregation_of_duties")
    assert "Policy author" in answer.json()["detail"]
    assert held(eve) == {"policy_author"}
    trace = Event.objects.get(kind="access.refused")
    assert (trace.actor, trace.data["code"]) == (una, "segregation_of_duties")


@pytest.mark.check("CMP-02.2")
def test_gives_the_pair_until_the_end_of_an_exception(
    administrator: APIClient, compliance: APIClient, eve: User
) -> None:
    asked = ask(administrator).json()
    waiting = grant(administrator, until=asked["until"])
    decided = compliance.post(f"{EXCEPTIONS}{asked['id']}/approve/", {"reason": "Ten days"})
    too_long = grant(administrator, until=(clock.now() + 11 * DAY).isoformat())
    open_ended = grant(administrator)

    given = grant(administrator, until=asked["until"])

    assert [each.status_code for each in (waiting, decided, too_long, open_ended, given)] == [
        *(409, 200, 409, 409, 201)
    ]
    assert held(eve) == {"policy_author", "policy_approver"}
    assert [each.exception.pk for each in conflicts_now() if each.exception] == [asked["id"]]


@pytest.mark.check("CMP-02.2")
def test_ends_the_exception_and_the_role_by_themselves(
    administrator: APIClient, compliance: APIClient, eve: User
) -> None:
    asked = ask(administrator).json()
    compliance.post(f"{EXCEPTIONS}{asked['id']}/approve/", {})
    grant(administrator, until=asked["until"])

    with clock.simulated(clock.now() + 10 * DAY):
        run_due(clock.now())
        after = held(eve)

    assert after == {"policy_author"}
    assert DutyException.objects.get().state == ExceptionState.ENDED
    assert Event.objects.filter(kind="role.expired").count() == 1


def test_lets_only_compliance_decide_and_never_whom_it_concerns(
    administrator: APIClient, eve: User, lena: User, una: User, root: User
) -> None:
    asked = ask(administrator).json()
    path = f"{EXCEPTIONS}{asked['id']}/approve/"
    make.role(Role.COMPLIANCE_OFFICER, to=una)
    make.role(Role.COMPLIANCE_OFFICER, to=eve)

    by_asker = administrator.post(path, {})
    by_person = make.api(eve).post(path, {})
    by_superuser = make.api(root).post(path, {})

    assert (by_asker.status_code, by_asker.json()["code"]) == (409, "four_eyes")
    assert (by_person.status_code, by_person.json()["code"]) == (409, "four_eyes")
    assert (by_superuser.status_code, by_superuser.json()["code"]) == (403, "not_allowed")
    assert DutyException.objects.get().state == ExceptionState.REQUESTED


def test_binds_superusers_and_whoever_comes_through_a_team(
    eve: User, root: User, matrix: SegregationVersion
) -> None:
    team = make.team("approvers")
    make.role(Role.POLICY_APPROVER, to=team)
    everywhere: Any = {"on": team, "reason": "x"}

    with pytest.raises(Segregated):
        grant_role(Role.POLICY_APPROVER, to=eve, actor=root, **everywhere)
    with pytest.raises(Segregated):
        add_member(team, eve, actor=root)
    with pytest.raises(Refused) as own:
        grant_role(Role.ENGINEER, to=root, actor=root, **everywhere)

    assert own.value.public_code == "role_self_grant"


def test_looks_again_when_an_end_moves(matrix: SegregationVersion, eve: User, root: User) -> None:
    soon = clock.now() + DAY
    rows = RoleAssignment.objects.filter(person=eve)
    change_end(rows.get(), until=soon, actor=root, reason="leaves")
    make.role(Role.POLICY_APPROVER, to=eve, starts_at=soon)

    with pytest.raises(Segregated):
        change_end(rows.get(role__name=Role.POLICY_AUTHOR), until=None, actor=root, reason="stays")
    with pytest.raises(Refused, match="themselves"):
        change_end(rows.get(role__name=Role.POLICY_AUTHOR), until=None, actor=eve, reason="stay")


def test_keeps_the_matrix_in_force(matrix: SegregationVersion, root: User) -> None:
    with pytest.raises(Blocked):
        retire(matrix, actor=root, reason="no need")


def test_asks_for_no_exception_that_nobody_needs(administrator: APIClient, eve: User) -> None:
    answer = ask(administrator, second="analyst")

    assert (answer.status_code, answer.json()["code"]) == (409, "exception_not_needed")
    assert answer.json()["errors"][0]["pointer"] == "#/second"


@pytest.mark.check("CMP-02.2")
def test_refuses_a_pair_in_the_admin(eve: User, una: User) -> None:
    form = {
        "role": Group.objects.get(name=Role.POLICY_APPROVER).pk, "person": eve.pk,
        "container": f"unit:{enterprise().pk}", "starts_at_0": "2026-11-01",
        "starts_at_1": "08:00", "reason": "holidays",
    }  # fmt: skip

    page = make.browser(una).post("/admin/config/roleassignment/add/", form)

    assert page.status_code == 200
    assert "kept apart from" in page.content.decode()
    assert held(eve) == {"policy_author"}
    assert Event.objects.get(kind="access.refused").actor == una
