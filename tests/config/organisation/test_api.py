"""Units, teams and accounts over the API: made, changed, and closed to strangers."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from config.events.models import Event
from config.organisation.models import BusinessUnit, Team, User, UserKind
from tests.config import make

pytestmark = pytest.mark.django_db


def keys(response: Any, name: str = "key") -> set[str]:
    return {row[name] for row in response.json()["results"]}


def test_makes_a_unit(api: APIClient, admin: User, retail: BusinessUnit) -> None:
    body = {"key": "shops", "name": "Shops", "parent": "retail", "time_zone": "Europe/Berlin"}

    response = api.post("/api/v1/units/", body)

    assert response.status_code == 201
    assert response.json() == {**body, "version": 1}
    assert response["Location"].endswith("/api/v1/units/shops/")
    unit = BusinessUnit.objects.get(key="shops")
    assert unit.parent == retail
    assert Event.objects.get(kind="unit.created", subject_id=unit.pk).actor == admin
    assert unit.history.get().origin == "api"


@pytest.mark.parametrize("parent", ["shops", "retail"])
def test_refuses_a_circle_of_units(api: APIClient, retail: BusinessUnit, parent: str) -> None:
    make.unit("shops", parent=retail)

    response = api.patch("/api/v1/units/retail/", {"parent": parent}, HTTP_IF_MATCH="*")

    assert (response.status_code, response.json()["code"]) == (409, "unit_circle")
    assert response.json()["errors"][0]["pointer"] == "#/parent"


def test_refuses_a_key_that_is_taken(api: APIClient, payments: Team) -> None:
    body = {"key": "payments", "name": "Other", "unit": "retail"}

    response = api.post("/api/v1/teams/", body)

    assert (response.status_code, response.json()["code"]) == (409, "team_key_unique")
    assert response.json()["detail"] == "A team with this key exists."


def test_takes_members_in_and_out(api: APIClient, payments: Team, bob: User) -> None:
    newcomer = make.user("nina")

    added = api.post("/api/v1/teams/payments/add-member/", {"user": "nina", "is_lead": True})
    again = api.post("/api/v1/teams/payments/add-member/", {"user": "nina"})
    removed = api.post("/api/v1/teams/payments/remove-member/", {"user": "bob", "reason": "moved"})
    twice = api.post("/api/v1/teams/payments/remove-member/", {"user": "bob"})

    assert {"username": "nina", "name": "Nina", "is_lead": True} in added.json()["members"]
    assert (again.status_code, again.json()["code"]) == (409, "membership_unique")
    assert [member["username"] for member in removed.json()["members"]] == ["nina"]
    assert (twice.status_code, twice.json()["code"]) == (409, "not_a_member")
    assert list(payments.members.all()) == [newcomer]


def test_makes_accounts(api: APIClient) -> None:
    person = api.post(
        "/api/v1/users/", {"username": "nina", "name": "Nina", "email": "nina@example.org"}
    )
    robot = api.post(
        "/api/v1/users/", {"username": "robot", "name": "Robot", "kind": "service_account"}
    )
    nameless = api.post("/api/v1/users/", {"username": "x", "name": "X"})

    assert (person.status_code, robot.status_code, nameless.status_code) == (201, 201, 400)
    assert nameless.json()["errors"][0]["pointer"] == "#/email"
    assert not User.objects.get(username="nina").has_usable_password()
    assert User.objects.get(username="robot").kind == UserKind.SERVICE_ACCOUNT
    assert "password" not in person.json()


def test_shuts_an_account(api: APIClient, bob: User, admin: User) -> None:
    client = make.api(bob)

    shut = api.post("/api/v1/users/bob/deactivate/", {"reason": "left"})
    again = api.post("/api/v1/users/bob/deactivate/", {"reason": "left"})
    oneself = api.post("/api/v1/users/ada/deactivate/", {"reason": "tired"})

    assert (shut.status_code, shut.json()["is_active"]) == (200, False)
    assert (again.status_code, again.json()["code"]) == (409, "user_inactive")
    assert (oneself.status_code, oneself.json()["code"]) == (409, "user_is_actor")
    assert client.get("/api/v1/me/").status_code == 401
    assert bob.history.latest().history_change_reason == "left"


def test_shows_each_what_they_reach(
    alice: User, mallory: User, carol: User, payments: Team, logistics: Team, api: APIClient
) -> None:
    assert keys(make.api(alice).get("/api/v1/teams/")) == {"payments"}
    assert keys(make.api(mallory).get("/api/v1/teams/")) == {"logistics"}
    assert keys(make.api(mallory).get("/api/v1/users/"), "username") == {"mallory"}
    assert keys(make.api(carol).get("/api/v1/teams/")) == {"payments", "logistics"}
    assert keys(api.get("/api/v1/users/"), "username") >= {"alice", "mallory", "carol", "ada"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "units/retail/", None),
        ("get", "units/retail/history/", None),
        ("patch", "units/retail/", {"name": "Mine"}),
        ("get", "teams/payments/", None),
        ("patch", "teams/payments/", {"name": "Mine"}),
        ("post", "teams/payments/add-member/", {"user": "mallory"}),
        ("post", "teams/payments/remove-member/", {"user": "bob"}),
        ("get", "users/bob/", None),
        ("get", "users/bob/history/", None),
        ("patch", "users/bob/", {"name": "Mine"}),
        ("post", "users/bob/deactivate/", {"reason": "x"}),
        ("post", "users/bob/activate/", {"reason": "x"}),
        ("get", "teams/%00/", None),
        ("get", "role-assignments/99999999999999999999999/", None),
        ("get", "tokens/x/", None),
    ],
)
def test_does_not_exist_for_a_stranger(
    mallory: User, bob: User, method: str, path: str, body: Any
) -> None:
    before = Event.objects.count()

    response = getattr(make.api(mallory), method)(f"/api/v1/{path}", body, HTTP_IF_MATCH="*")

    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert Event.objects.count() == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("patch", "units/retail/", {"name": "Mine"}),
        ("post", "units/", {"key": "x", "name": "X", "parent": "retail"}),
        ("patch", "teams/payments/", {"name": "Mine"}),
        ("post", "teams/", {"key": "x", "name": "X", "unit": "retail"}),
        ("post", "teams/payments/add-member/", {"user": "carol"}),
        ("post", "teams/payments/remove-member/", {"user": "bob"}),
        ("patch", "users/bob/", {"name": "Mine"}),
        ("post", "users/", {"username": "x", "name": "X", "email": "x@example.org"}),
        ("post", "users/bob/deactivate/", {"reason": "x"}),
        (
            "post",
            "role-assignments/",
            {
                "role": "engineer",
                "person": "bob",
                "container_type": "unit",
                "container": "retail",
                "reason": "x",
            },
        ),
    ],
)
def test_is_read_only_for_an_auditor(
    carol: User, bob: User, method: str, path: str, body: Any
) -> None:
    response = getattr(make.api(carol), method)(f"/api/v1/{path}", body, HTTP_IF_MATCH="*")

    assert (response.status_code, response.json()["code"]) == (403, "not_allowed")
    assert Event.objects.filter(kind="access.refused", actor=carol).count() == 1
