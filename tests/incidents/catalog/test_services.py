"""The catalogue of services."""

import pytest
from django.core.exceptions import ValidationError

from config.access.rules import Role
from config.errors import Stale
from config.events.models import Event
from config.organisation.models import Team, User
from incidents.catalog.models import Service
from incidents.catalog.operations import create_service, edit_service
from incidents.lifecycle.models import Incident
from tests.config import make as people
from tests.incidents import make

URL = "/api/v1/services/"
LIST = "/admin/incidents/service/"


@pytest.fixture
def dora(payments: Team) -> User:
    """Owns the services of payments."""
    person = people.user("dora")
    people.role(Role.SERVICE_OWNER, to=person, on=payments)
    return person


def form(team: Team | None, **values: object) -> dict[str, object]:
    return {
        "key": "wallet",
        "name": "Wallet",
        "description": "",
        "team": team.pk if team else "",
        "tier": 3,
        "status": "live",
        "rto_minutes": "",
        "rpo_minutes": "",
        "region": "",
        "runbook_url": "",
        "regions-TOTAL_FORMS": 0,
        "regions-INITIAL_FORMS": 0,
        **values,
    }


def test_names_every_field_that_a_tier_1_service_lacks(dora: User) -> None:
    with pytest.raises(ValidationError) as refusal:
        create_service(actor=dora, key="wallet", name="", team=None, tier=1)

    assert set(refusal.value.message_dict) == {"team", "rto_minutes", "name"}
    assert not Service.objects.exists()


@pytest.mark.check("INC-01.1")
@pytest.mark.parametrize(
    ("pointer", "body"),
    [
        ("#/rto_minutes", {"team": "payments", "tier": 1}),
        ("#/team", {"tier": 1, "rto_minutes": 60}),
        ("#/team", {"team": None, "tier": 1, "rto_minutes": 60}),
    ],
)
def test_refuses_a_tier_1_service_without_rto_or_team_over_the_api(
    dora: User, pointer: str, body: dict[str, object]
) -> None:
    response = people.api(dora).post(URL, {"key": "wallet", "name": "Wallet", **body})

    assert response.status_code == 400, response.data
    assert [entry["pointer"] for entry in response.data["errors"]] == [pointer]
    assert not Service.objects.exists()


@pytest.mark.check("INC-01.1")
@pytest.mark.parametrize(
    ("field", "values"), [("rto_minutes", {"tier": 1}), ("team", {"tier": 1, "rto_minutes": 60})]
)
def test_refuses_a_tier_1_service_without_rto_or_team_in_the_admin(
    dora: User, payments: Team, field: str, values: dict[str, object]
) -> None:
    team = None if field == "team" else payments

    response = people.browser(dora).post(f"{LIST}add/", form(team, **values))

    assert response.status_code == 200
    assert list(response.context["adminform"].form.errors) == [field]
    assert not Service.objects.exists()


@pytest.mark.check("INC-01.1")
def test_refuses_to_raise_a_service_without_rto_to_tier_1(payments: Team, dora: User) -> None:
    service = make.service("wallet", team=payments, tier=3)

    answer = people.api(dora).patch(f"{URL}wallet/", {"tier": 1}, HTTP_IF_MATCH='"v1"')
    page = people.browser(dora).post(
        f"{LIST}{service.pk}/change/", form(payments, tier=1, seen_revision=1)
    )

    assert answer.data["errors"][0]["pointer"] == "#/rto_minutes"
    assert list(page.context["adminform"].form.errors) == ["rto_minutes"]
    assert Service.objects.get().tier == 3


def test_is_entered_and_changed_in_the_admin(dora: User, payments: Team) -> None:
    browser = people.browser(dora)

    added = browser.post(f"{LIST}add/", form(payments, tier=1, rto_minutes=30))
    service = Service.objects.get()
    changed = browser.post(
        f"{LIST}{service.pk}/change/",
        form(payments, tier=1, rto_minutes=15, seen_revision=1, edit_reason="agreed"),
    )

    assert (added.status_code, changed.status_code) == (302, 302)
    assert Service.objects.get().rto_minutes == 15
    row = Service.objects.get().history.first()
    assert (row.history_user, row.history_change_reason, row.origin) == (dora, "agreed", "admin")


def test_is_entered_and_changed_over_the_api(dora: User) -> None:
    client = people.api(dora)
    body = {"key": "wallet", "name": "Wallet", "team": "payments", "customer_facing": True}

    added = client.post(URL, body)
    changed = client.patch(
        f"{URL}wallet/", {"tier": 2, "reason": "grew"}, HTTP_IF_MATCH=added["ETag"]
    )

    assert (added.status_code, changed.status_code) == (201, 200)
    assert (changed.data["tier"], changed.data["unit"], changed.data["version"]) == (2, "retail", 2)
    assert Service.objects.get().is_customer_facing
    event = Event.objects.get(kind="service.edited")
    assert (event.reason, event.data["changes"]) == (
        "grew",
        [
            {"field": "tier", "old": 3, "new": 2},
            {"field": "in_scope", "old": False, "new": True},
        ],
    )


@pytest.mark.parametrize(
    ("who", "listed", "read", "created"),
    [("bob", 1, 200, 403), ("carol", 1, 200, 403), ("mallory", 0, 404, 400)],
)
def test_answers_by_what_the_caller_may(
    request: pytest.FixtureRequest, checkout: Service, who: str, listed, read, created
) -> None:
    client = people.api(request.getfixturevalue(who))
    body = {"key": "wallet", "name": "Wallet", "team": "payments"}

    keys = [row["key"] for row in client.get(URL).data["results"]]
    assert keys.count("checkout") == listed
    assert client.get(f"{URL}checkout/").status_code == read
    assert client.get(f"{URL}checkout/history/").status_code == read
    denied = client.patch(f"{URL}checkout/", {"tier": 2}, HTTP_IF_MATCH="*")
    assert denied.status_code == (403 if read == 200 else 404)
    # A team that one sees but doesn't manage is refused; one that one may not know is no key.
    assert client.post(URL, body).status_code == created
    assert not Service.objects.filter(key="wallet").exists()


def test_refuses_a_key_that_is_taken(checkout: Service, dora: User) -> None:
    body = {"key": "checkout", "name": "Another", "team": "payments"}

    response = people.api(dora).post(URL, body)

    assert (response.status_code, response.data["code"]) == (409, "service_key_unique")


def test_hands_all_rights_over_with_the_service(
    checkout: Service, logistics: Team, mallory: User, alice: User, root: User
) -> None:
    incident = make.incident(service=checkout)
    assert not Incident.objects.visible_to(mallory).exists()

    edit_service(checkout, actor=root, changes={"team": logistics}, reason="reorganised")

    assert list(Service.objects.visible_to(mallory)) == [checkout]
    assert not Service.objects.visible_to(alice).exists()
    assert mallory.has_perm("resolve", incident)
    event = Event.objects.get(kind="service.edited")
    assert event.data["changes"] == [{"field": "team", "old": "payments", "new": "logistics"}]


def test_records_nothing_where_nothing_differs(checkout: Service, root: User) -> None:
    edit_service(checkout, actor=root, changes={"name": "Checkout", "team": checkout.team})

    assert Service.objects.get().revision == 1
    assert not Event.objects.filter(kind="service.edited").exists()


def test_refuses_what_has_changed_meanwhile(checkout: Service, root: User) -> None:
    edit_service(checkout, actor=root, changes={"tier": 2})

    with pytest.raises(Stale):
        edit_service(checkout, actor=root, changes={"name": "Till"}, revision=1)


def test_refuses_fields_that_nobody_sets(checkout: Service, root: User) -> None:
    with pytest.raises(ValidationError) as refusal:
        edit_service(checkout, actor=root, changes={"id": 7})

    assert list(refusal.value.message_dict) == ["id"]


def test_needs_no_more_queries_for_a_longer_list(
    checkout: Service, payments: Team, alice: User, django_assert_max_num_queries
) -> None:
    client = people.api(alice)
    client.get(URL)
    with django_assert_max_num_queries(14) as few:
        client.get(URL)

    for _ in range(5):
        make.service(team=payments)
    with django_assert_max_num_queries(14) as many:
        assert len(client.get(URL).data["results"]) == 6

    assert len(many) == len(few)
