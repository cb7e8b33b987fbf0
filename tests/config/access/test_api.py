"""Role assignments and the caller's own page over the API."""

import pytest
from rest_framework.test import APIClient

from config.access.models import RoleAssignment
from config.access.rules import Role
from config.organisation.models import BusinessUnit, User
from tests.config import make

pytestmark = pytest.mark.django_db
URL = "/api/v1/role-assignments/"


@pytest.fixture
def body(retail: BusinessUnit, mallory: User) -> dict[str, str]:
    return {
        "role": "engineer",
        "person": "mallory",
        "container_type": "unit",
        "container": "retail",
        "reason": "helps out",
    }


def test_gives_a_role_and_takes_it_back(
    api: APIClient, body: dict[str, str], mallory: User, payments: object
) -> None:
    stranger = make.api(mallory)
    before = stranger.get("/api/v1/teams/payments/").status_code

    given = api.post(URL, body)
    during = stranger.get("/api/v1/teams/payments/").status_code
    taken = api.post(f"{URL}{given.json()['id']}/revoke/", {"reason": "done"})
    after = stranger.get("/api/v1/teams/payments/").status_code

    assert (given.status_code, taken.status_code) == (201, 200)
    assert (before, during, after) == (404, 200, 404)
    assert {name: given.json()[name] for name in body} == body
    assert taken.json()["revoked_at"] is not None


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"role": "king"}, "#/role"),
        ({"person": None}, "#/person"),
        ({"team": "logistics"}, "#/person"),
        ({"container": "nowhere"}, "#/container"),
        ({"container_type": "moon"}, "#/container_type"),
        ({"reason": ""}, "#/reason"),
    ],
)
def test_says_what_is_wrong(
    api: APIClient, body: dict[str, str], change: dict[str, str], pointer: str
) -> None:
    response = api.post(URL, {**body, **change})

    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == pointer


def test_refuses_the_same_role_twice(api: APIClient, body: dict[str, str]) -> None:
    api.post(URL, body)

    response = api.post(URL, body)

    assert (response.status_code, response.json()["code"]) == (409, "role_person_once")


def test_gives_nobody_a_role_by_their_own_hand(api: APIClient, body: dict[str, str]) -> None:
    response = api.post(URL, {**body, "person": "ada"})

    assert (response.status_code, response.json()["code"]) == (409, "role_self_grant")


def test_lets_a_unit_administrator_act_in_the_unit_only(
    retail: BusinessUnit, freight: BusinessUnit, payments: object, bob: User, body: dict[str, str]
) -> None:
    una = make.user("una")
    make.role(Role.UNIT_ADMINISTRATOR, to=una, on=retail)
    client = make.api(una)

    inside = client.post(URL, {**body, "person": "bob"})
    outside = client.post(URL, {**body, "person": "bob", "container": "freight"})

    assert inside.status_code == 201
    assert (outside.status_code, outside.json()["errors"][0]["pointer"]) == (400, "#/container")


def test_shows_roles_to_who_manages_or_audits(
    api: APIClient, bob: User, mallory: User, carol: User
) -> None:
    url = f"{URL}{RoleAssignment.objects.get(person=bob).pk}/"

    assert api.get(url).status_code == 200
    assert make.api(carol).get(url).status_code == 200
    assert make.api(bob).get(url).status_code == 200
    assert make.api(mallory).get(url).status_code == 404
    assert make.api(bob).post(f"{url}revoke/", {"reason": "x"}).status_code == 403


def test_says_who_one_is(bob: User) -> None:
    found = make.api(bob).get("/api/v1/me/").json()

    assert (found["username"], found["teams"], found["scopes"]) == ("bob", ["payments"], ["admin"])
    assert [(role["role"], role["container"]) for role in found["roles"]] == [
        ("engineer", "payments")
    ]
