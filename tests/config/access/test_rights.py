"""The page and the API that say what somebody may do, and why."""

import datetime
from typing import Any

import pytest

from config import clock
from config.access.delegations import delegate
from config.access.models import RoleAssignment
from config.access.rules import Role
from config.access.visibility import Access, opened_to
from config.breakglass.operations import break_glass
from config.organisation.models import BusinessUnit, Team, User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import let_in
from tests.config import make
from tests.incidents import make as make_incidents

pytestmark = pytest.mark.django_db
HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)


@pytest.fixture
def rita(payments: Team, retail: BusinessUnit) -> User:
    """An engineer by team, analyst of the unit until tomorrow."""
    person = make.user("rita", name="Rita Roth")
    make.join(payments, person)
    make.role(Role.ENGINEER, to=payments, on=payments)
    make.role(Role.ANALYST, to=person, on=retail, until=clock.now() + DAY)
    return person


def rights(reader: User, query: str = "", of: str = "rita") -> Any:
    return make.api(reader).get(f"/api/v1/users/{of}/rights/{query}").json()


def test_names_each_role_with_its_levels_and_its_reason(rita: User, root: User) -> None:
    found = rights(root)["roles"]

    assert [(r["role"], r["container"], r["via"], r["levels"]) for r in found] == [
        ("engineer", "payments", "payments", ["view", "respond"]),
        ("analyst", "retail", "", ["view", "respond"]),
    ]
    assert found[1]["until"] is not None
    assert found[1]["reason"] == "test"


def test_says_what_reaches_one_place(rita: User, root: User, checkout: object) -> None:
    found = rights(root, "?container_type=service&container=checkout")["roles"]
    elsewhere = rights(root, "?container_type=unit&container=enterprise")["roles"]
    unknown = rights(root, "?container_type=unit&container=moon")

    assert [each["role"] for each in found] == ["engineer", "analyst"]
    assert elsewhere == []
    assert unknown["status"] == 400


def test_tells_others_only_of_what_they_manage(
    rita: User, alice: User, mallory: User, carol: User
) -> None:
    assert rights(mallory)["status"] == 404
    assert rights(alice)["roles"] == [rights(alice)["roles"][0]]  # of her own team
    assert len(rights(carol)["roles"]) == 2
    assert len(rights(rita)["roles"]) == 2


def test_names_what_was_opened_to_the_person_alone(
    rita: User, bob: User, root: User, carol: User, checkout: Service
) -> None:
    secret = make_incidents.incident(service=checkout, actor=bob, is_restricted=True)
    let_in(secret, rita, actor=root)
    other = make_incidents.incident(service=checkout, actor=bob, is_restricted=True)
    with clock.simulated(clock.now() - 1.5 * HOUR):
        break_glass(name=other.reference, reason="Nobody else is there", actor=rita)

    assert rights(root)["let_in_to"] == [secret.reference]
    assert rights(carol)["let_in_to"] == []
    with clock.simulated(clock.now() - HOUR):
        assert rights(root)["let_in_to"] == sorted([secret.reference, other.reference])
        assert opened_to(rita)["incidents.incident"] == Access(rita).direct(Incident)


def test_shows_the_page(rita: User, root: User, carol: User, mallory: User) -> None:
    delegate(delegate=rita, until=clock.now() + DAY, reason="on leave", actor=root)
    path = f"/admin/config/user/{rita.pk}/rights/"

    page = make.browser(carol).get(path)
    hidden = make.browser(mallory).get(path)

    text = page.content.decode()
    assert (page.status_code, hidden.status_code) == (200, 404)
    assert "Engineer" in text
    assert "on leave" in text


def test_moves_the_end_of_a_role(rita: User, root: User) -> None:
    row = RoleAssignment.objects.get(person=rita)
    path = f"/api/v1/role-assignments/{row.pk}/change-end/"
    until = (clock.now() + 2 * DAY).isoformat()

    answer = make.api(root).post(path, {"until": until, "reason": "stays a day"})
    by_herself = make.api(rita).post(path, {"until": None, "reason": "for ever"})

    row.refresh_from_db()
    assert answer.status_code == 200
    assert row.until is not None
    assert row.until.isoformat() == until
    assert by_herself.status_code == 403
