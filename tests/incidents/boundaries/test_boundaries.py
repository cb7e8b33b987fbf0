"""Which team answers for a component by the boundaries, why, and who owns what it shouldn't."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from config.access.operations import enterprise
from config.access.rules import Role
from config.organisation.models import BusinessUnit, Team, User
from config.organisation.operations import edit_team
from config.organisation.rules import Domain
from incidents.boundaries.models import BoundaryRule, BoundaryVersion
from incidents.boundaries.operations import boundaries_of, seed_boundaries
from incidents.boundaries.rules import Candidate, nearest, problems_of, shipped_rules
from incidents.catalog.models import Service
from incidents.components.models import Component
from incidents.lifecycle.models import Incident
from tests.config import make as people
from tests.harness.pages import form_of
from tests.incidents import governed, make

pytestmark = pytest.mark.django_db
COMPONENTS = "/api/v1/components/"
TEAMS = "/api/v1/teams/"


@pytest.fixture
def boundaries(db: None) -> BoundaryVersion:
    found = seed_boundaries(people.system())
    assert found is not None
    return found


@pytest.fixture
def dora(payments: Team) -> User:
    """Owns what payments runs."""
    person = people.user("dora")
    people.role(Role.SERVICE_OWNER, to=person, on=payments)
    return person


@pytest.fixture
def una(retail: BusinessUnit) -> User:
    """Administrator of retail."""
    person = people.user("una")
    people.role(Role.UNIT_ADMINISTRATOR, to=person, on=retail)
    return person


def of_domain(team: Team, domain: str) -> Team:
    edit_team(team, changes={"domain": domain}, actor=people.system())
    return team


@pytest.fixture
def ledger(payments: Team, checkout: Service) -> Component:
    """A database, owned by a team that knows applications."""
    return make.component("ledger", team=of_domain(payments, Domain.APPLICATION), name="Ledger")


@pytest.fixture
def failed(ledger: Component, checkout: Service, bob: User) -> Incident:
    """An incident whose component is the ledger."""
    return make.incident(service=checkout, actor=bob, component=ledger)


def answers(client: APIClient, incident: Incident) -> dict[str, tuple[str, str | None]]:
    rows = client.get(f"/api/v1/incidents/{incident.reference}/boundaries/").data["answers"]
    return {row["layer"]: (row["domain"], row["team"]) for row in rows}


def test_is_complete_as_shipped() -> None:
    assert problems_of({(row["kind"], row["layer"]) for row in shipped_rules()}) == []


def test_is_not_activated_where_nobody_answers_for_what_a_kind_is(
    boundaries: BoundaryVersion,
) -> None:
    rules = [row for row in shipped_rules() if row["line"] != "database-data"]

    refused = governed.activate("boundaries", {"rules": rules})

    assert (refused.status_code, refused.data["code"]) == (409, "blocked")
    assert [each["code"] for each in refused.data["blockers"]] == ["boundary_own_layer"]
    assert BoundaryVersion.objects.get(state="active") == boundaries


def test_names_one_domain_for_a_layer_of_a_kind(boundaries: BoundaryVersion) -> None:
    twice = {"kind": "database", "layer": "data", "domain": "infrastructure"}

    refused = governed.draft("boundaries", {"rules": [*shipped_rules(), twice]})

    assert refused.status_code in (400, 409)
    assert "boundary_one_domain" in str(refused.data)
    assert BoundaryVersion.objects.get() == boundaries


def test_is_drafted_by_dropdowns(boundaries: BoundaryVersion) -> None:
    browser = people.browser(governed.author())
    made = browser.post("/admin/incidents/boundaryversion/add/", {"key": "default", "unit": ""})
    assert made.status_code == 302, made.content.decode()[:2000]
    form = form_of(browser.get(made["Location"]))
    rows = {name.removesuffix("-kind") for name, value in form.items() if value == "database"}
    (row,) = (each for each in rows if form[f"{each}-layer"] == "platform")

    answer = browser.post(made["Location"], {**form, f"{row}-domain": "cloud_platform"})

    assert answer.status_code == 302, answer.content.decode()[:5000]
    stored = BoundaryRule.objects.get(version__state="draft", kind="database", layer="platform")
    assert stored.domain == "cloud_platform"


def test_keeps_domain_and_region_of_a_team(una: User) -> None:
    client = people.api(una)
    body = {"key": "dba", "name": "DBA", "unit": "retail", "domain": "data", "region": "eu"}

    made = client.post(TEAMS, body)
    wrong = client.post(TEAMS, {**body, "key": "x", "domain": "magic"})
    found = client.get(TEAMS, {"domain": "data"}).data["results"]

    assert (made.status_code, wrong.status_code) == (201, 400), made.data
    assert [error["pointer"] for error in wrong.data["errors"]] == ["#/domain"]
    assert [row["key"] for row in found] == ["dba"]
    stored = Team.objects.get(key="dba")
    assert (stored.domain, stored.region) == ("data", "eu")


def test_changes_the_domain_of_a_team_in_the_admin(una: User, payments: Team) -> None:
    browser, page = people.browser(una), f"/admin/config/team/{payments.pk}/change/"
    form = form_of(browser.get(page))

    answer = browser.post(page, {**form, "domain": "security", "region": "us"})

    payments.refresh_from_db()
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert (payments.domain, payments.region) == ("security", "us")


def test_says_which_team_answers_for_the_component_and_why(
    boundaries: BoundaryVersion, failed: Incident, retail: BusinessUnit, bob: User
) -> None:
    people.team("dba", unit=retail, name="DBA", domain=Domain.DATA)
    people.team("wires", unit=enterprise(), domain=Domain.NETWORK)

    found = people.api(bob).get(f"/api/v1/incidents/{failed.reference}/boundaries/").data
    page = people.browser(bob).get(f"/admin/incidents/incident/{failed.pk}/change/")

    assert (found["component"], found["boundaries"]) == ("ledger", boundaries.pk)
    assert (found["owner"], found["owner_domain"]) == ("payments", "application")
    assert found["out_of_bounds"] is True
    assert answers(people.api(bob), failed) == {
        "data": ("data", "dba"),
        "platform": ("infrastructure", None),
        "network": ("network", "wires"),
        "access": ("security", None),
    }
    assert [row["layer"] for row in found["answers"] if row["own"]] == ["data"]
    assert found["answers"][0]["why"] == (
        f"{boundaries}: the data layer of the kind 'database' is of the domain 'Data'. "
        f"DBA of {retail} is the nearest team of that domain."
    )
    text = page.content.decode()
    assert "Who answers for Ledger: DBA" in text
    assert "Out of bounds: Payments owns it" in text


def test_leaves_it_to_an_owner_of_the_domain(
    boundaries: BoundaryVersion, failed: Incident, payments: Team, bob: User
) -> None:
    of_domain(payments, Domain.DATA)
    people.team("dba", unit=payments.unit, domain=Domain.DATA)

    found = people.api(bob).get(f"/api/v1/incidents/{failed.reference}/boundaries/").data

    assert answers(people.api(bob), failed)["data"] == ("data", "payments")
    assert found["out_of_bounds"] is False
    assert found["answers"][0]["why"].endswith("Payments owns it, and is of that domain.")


def test_goes_by_the_boundaries_of_a_unit(
    boundaries: BoundaryVersion, failed: Incident, bob: User
) -> None:
    governed.approver()
    own = {"kind": "database", "layer": "data", "domain": "application"}
    others = [row for row in shipped_rules() if row["line"] != "database-data"]
    answer = governed.activate("boundaries", {"unit": "retail", "rules": [own, *others]})
    assert answer.status_code == 200, answer.data

    found = people.api(bob).get(f"/api/v1/incidents/{failed.reference}/boundaries/").data

    assert answers(people.api(bob), failed)["data"] == ("application", "payments")
    assert (found["out_of_bounds"], found["boundaries"]) == (False, answer.data["id"])


def test_names_nobody_without_a_component_or_a_rule(incident: Incident, bob: User) -> None:
    found = people.api(bob).get(f"/api/v1/incidents/{incident.reference}/boundaries/").data

    assert (found["component"], found["answers"]) == (None, [])
    assert boundaries_of("database", incident.team).answers == ()


def test_conceals_who_answers_from_a_stranger(failed: Incident, mallory: User) -> None:
    answer = people.api(mallory).get(f"/api/v1/incidents/{failed.reference}/boundaries/")

    assert answer.status_code == 404


def test_flags_what_a_team_of_another_domain_owns(
    boundaries: BoundaryVersion, ledger: Component, payments: Team, alice: User
) -> None:
    make.component("api", team=payments, kind="application", domain="application")
    client = people.api(alice)

    flagged, others = (
        client.get(COMPONENTS, {"out_of_bounds": asked}).data["results"]
        for asked in ("true", "false")
    )
    page = people.browser(alice).get("/admin/incidents/component/", {"bounds": "out"})

    assert [(row["key"], row["rightful_domain"], row["out_of_bounds"]) for row in flagged] == [
        ("ledger", "data", True)
    ]
    assert [(row["key"], row["out_of_bounds"]) for row in others] == [("api", False)]
    assert [row.key for row in page.context["cl"].result_list] == ["ledger"]
    assert "Out of bounds: Data answers, Payments owns" in page.content.decode()


def test_flags_nothing_where_the_team_names_no_domain(
    boundaries: BoundaryVersion, ledger: Component, payments: Team, alice: User
) -> None:
    of_domain(payments, "")

    (row,) = people.api(alice).get(COMPONENTS).data["results"]

    assert (row["rightful_domain"], row["out_of_bounds"]) == ("data", False)
    assert people.api(alice).get(COMPONENTS, {"out_of_bounds": "true"}).data["results"] == []


def test_tells_at_once_when_a_component_changes_hands(
    boundaries: BoundaryVersion, ledger: Component, payments: Team, dora: User
) -> None:
    dba = people.team("dba", unit=payments.unit, domain=Domain.DATA)
    people.role(Role.SERVICE_OWNER, to=dora, on=dba)
    client = people.api(dora)
    cache = {"key": "cache", "name": "Cache", "kind": "database", "domain": "data"}

    moved = client.patch(f"{COMPONENTS}ledger/", {"team": "dba"}, HTTP_IF_MATCH='"v1"')
    added = client.post(COMPONENTS, {**cache, "team": "payments"})

    assert (moved.status_code, moved.data["out_of_bounds"]) == (200, False), moved.data
    assert (added.status_code, added.data["out_of_bounds"]) == (201, True), added.data


CANDIDATES = st.lists(
    st.builds(
        Candidate,
        key=st.sampled_from("abcdef"),
        distance=st.integers(0, 3),
        region=st.sampled_from(["", "eu", "us"]),
    ),
    max_size=6,
)


@given(CANDIDATES, st.sampled_from(["", "eu", "us"]))
def test_prefers_the_nearest_unit_and_there_the_region(
    candidates: list[Candidate], region: str
) -> None:
    best = nearest(candidates, region)

    assert (best is None) == (not candidates)
    if best is not None:
        assert all(best.distance <= each.distance for each in candidates)
        level = [each for each in candidates if each.distance == best.distance]
        assert best.region == region or all(each.region != region for each in level)
