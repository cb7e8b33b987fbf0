"""Components, what depends on what, and how far a failure reaches."""

import csv
import datetime
import io
from itertools import pairwise
from typing import Any

import pytest

from config import clock
from config.access.rules import Role
from config.due.jobs import run
from config.events.models import Event
from config.organisation.models import Team, User
from incidents.catalog.models import Service
from incidents.components.models import Component, Dependency
from incidents.components.operations import blast_radius, flag_stale, needed_by
from tests.config import make as people
from tests.incidents import make

pytestmark = pytest.mark.django_db
URL = "/api/v1/components/"
DEPENDENCIES = "/api/v1/dependencies/"
DAY = datetime.timedelta(days=1)


@pytest.fixture
def dora(payments: Team) -> User:
    """Owns what payments runs."""
    person = people.user("dora")
    people.role(Role.SERVICE_OWNER, to=person, on=payments)
    return person


@pytest.fixture
def ledger(payments: Team) -> Component:
    return make.component("ledger", team=payments, name="Ledger")


@pytest.fixture
def api_app(payments: Team) -> Component:
    return make.component("api", team=payments, kind="application", domain="application")


def test_is_entered_and_changed_over_the_api(dora: User) -> None:
    body = {
        "key": "ledger", "name": "Ledger", "kind": "database", "domain": "data", "team": "payments",
    }  # fmt: skip
    client = people.api(dora)

    added = client.post(URL, body)
    changed = client.patch(
        f"{URL}ledger/", {"domain": "infrastructure", "reason": "moved"}, HTTP_IF_MATCH='"v1"'
    )

    assert (added.status_code, changed.status_code) == (201, 200), added.data
    row = Component.objects.get().history.first()
    assert (row.domain, row.history_change_reason) == ("infrastructure", "moved")


def test_is_entered_in_the_admin(dora: User, payments: Team) -> None:
    form = {
        "key": "ledger", "name": "Ledger", "kind": "database", "domain": "data", "status": "live",
        "team": payments.pk,
    }  # fmt: skip

    answer = people.browser(dora).post("/admin/incidents/component/add/", form)

    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert Component.objects.get().team == payments


@pytest.mark.check("INC-02.1")
def test_reaches_every_dependant_once_on_a_cyclic_graph(
    ledger: Component, api_app: Component, checkout: Service, payments: Team, alice: User
) -> None:
    batch, basket = make.component("batch", team=payments), make.service("basket", team=payments)
    make.needs(api_app, ledger)
    make.needs(checkout, api_app, "soft")
    make.needs(checkout, batch)
    make.needs(batch, ledger, "shared")
    make.needs(basket, checkout)
    make.needs(ledger, basket, "soft")  # a circle
    make.needs(api_app, batch)  # and a second way

    answer = people.api(alice).get(f"{URL}ledger/blast-radius/")

    found = [
        (each["key"], each["distance"], each["strength"], each["team"])
        for each in answer.data["dependants"]
    ]
    assert found == [
        ("api", 1, "hard", "payments"),
        ("batch", 1, "shared", "payments"),
        ("checkout", 2, "shared", "payments"),
        ("basket", 3, "shared", "payments"),
    ]
    assert {each["key"] for each in answer.data["needs"]} == {"basket", "checkout", "api", "batch"}


SERVICES = "/api/v1/services/"


def services_upon(ledger: Component, checkout: Service, payments: Team, other: Team) -> None:
    """Two ways to the basket, a circle, and one dependant that belongs to another unit."""
    basket = make.service("basket", team=payments)
    tracking = make.service("parcels", team=other)
    make.needs(checkout, ledger)
    make.needs(basket, checkout, "shared")
    make.needs(basket, ledger, "soft")
    make.needs(ledger, basket, "soft")
    make.needs(tracking, checkout)


def test_says_what_the_failure_of_a_service_reaches(
    ledger: Component, checkout: Service, payments: Team, logistics: Team, alice: User, root: User
) -> None:
    services_upon(ledger, checkout, payments, logistics)

    mine, all_of_it = (
        people.api(reader).get(f"{SERVICES}checkout/blast-radius/").data["dependants"]
        for reader in (alice, root)
    )

    near = {
        (each["key"], each["kind"], each["distance"], each["strength"], each["team"])
        for each in mine
    }
    assert near == {
        ("basket", "service", 1, "shared", "payments"),
        ("ledger", "database", 2, "soft", "payments"),
    }
    assert len(mine) == 2
    assert {each["key"] for each in all_of_it} == {"basket", "ledger", "parcels"}


def test_conceals_the_radius_of_a_service_that_one_may_not_see(
    checkout: Service, mallory: User
) -> None:
    client = people.api(mallory)

    answers = [
        client.get(f"{SERVICES}checkout/{path}/") for path in ("blast-radius", "blast-radius/csv")
    ]

    assert [each.status_code for each in answers] == [404, 404]
    assert not Event.objects.filter(kind="dependency.radius_exported").exists()


def test_exports_the_radius_of_a_service_from_its_page(
    ledger: Component, checkout: Service, payments: Team, logistics: Team, alice: User
) -> None:
    services_upon(ledger, checkout, payments, logistics)
    browser, address = people.browser(alice), f"{SERVICES}checkout/blast-radius/csv/"

    page = browser.get(f"/admin/incidents/service/{checkout.pk}/change/").content.decode()
    answer = browser.get(address)

    assert f'href="{address}"' in page
    assert "Blast radius: what depends on it" in page
    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert rows == [
        {"key": "basket", "name": "Basket", "kind": "service", "distance": "1",
         "strength": "shared", "team": "payments"},
        {"key": "ledger", "name": "Ledger", "kind": "database", "distance": "2",
         "strength": "soft", "team": "payments"},
    ]  # fmt: skip
    stored = Event.objects.get(kind="dependency.radius_exported")
    assert (stored.actor, stored.data["rows"]) == (alice, 2)


def test_walks_a_dense_graph_once(
    payments: Team, root: User, django_assert_max_num_queries
) -> None:
    layers = [[make.component(team=payments) for _ in range(3)] for _ in range(8)]
    for upper, lower in pairwise(layers):
        for source in upper:
            for target in lower:
                make.needs(source, target)

    with django_assert_max_num_queries(3):
        found = blast_radius(layers[-1][0], root)

    assert len(found) == 21
    assert {each.distance for each in found} == set(range(1, 8))
    assert not needed_by(layers[-1][0], root)


def test_shows_only_what_the_caller_may_see(
    ledger: Component, tracking: Service, checkout: Service, alice: User, mallory: User
) -> None:
    make.needs(checkout, ledger)
    make.needs(tracking, ledger)

    keys = [each.item.key for each in blast_radius(ledger, alice)]

    assert keys == ["checkout"]
    assert people.api(mallory).get(f"{URL}ledger/blast-radius/").status_code == 404


def test_is_declared_by_who_manages_the_dependant(
    ledger: Component, checkout: Service, dora: User, bob: User
) -> None:
    body = {"source_service": "checkout", "target_component": "ledger", "strength": "hard"}

    assert people.api(bob).post(DEPENDENCIES, body).status_code == 403
    assert people.api(dora).post(DEPENDENCIES, body).status_code == 201
    again = people.api(dora).post(DEPENDENCIES, body)
    assert (again.status_code, again.data["code"]) == (409, "dependency_unique")
    assert Dependency.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"source_service": None},
        {"target_service": "checkout"},
        {"target_component": None},
        {"source_service": None, "source_component": "ledger"},
    ],
)
def test_refuses_ends_that_can_not_be(
    ledger: Component, checkout: Service, dora: User, wrong: dict[str, Any]
) -> None:
    body = {"source_service": "checkout", "target_component": "ledger", "strength": "hard"}

    answer = people.api(dora).post(DEPENDENCIES, {**body, **wrong})

    assert answer.status_code in (400, 409)
    assert not Dependency.objects.exists()


def test_is_not_retired_while_something_needs_it(
    ledger: Component, checkout: Service, dora: User
) -> None:
    row = make.needs(checkout, ledger)
    client = people.api(dora)

    refused = client.patch(f"{URL}ledger/", {"status": "retired"}, HTTP_IF_MATCH="*")
    client.post(f"{DEPENDENCIES}{row.pk}/remove/", {"reason": "moved"})
    done = client.patch(f"{URL}ledger/", {"status": "retired"}, HTTP_IF_MATCH="*")

    assert (refused.status_code, refused.data["code"]) == (409, "component_in_use")
    assert done.status_code == 200
    assert Dependency.history.first().history_change_reason == "moved"


def stale(ledger: Component, checkout: Service, api_app: Component) -> Dependency:
    """One edge that is stale now, and one that is not."""
    with clock.simulated(clock.now() - 181 * DAY):
        old = make.needs(checkout, ledger)
    make.needs(api_app, ledger)
    return old


@pytest.mark.check("INC-02.3")
def test_exports_the_matrix_from_api_and_admin(
    ledger: Component, checkout: Service, api_app: Component, alice: User
) -> None:
    stale(ledger, checkout, api_app)

    for client, url in (
        (people.api(alice), f"{DEPENDENCIES}matrix/"),
        (people.browser(alice), "/admin/incidents/dependency/matrix.csv"),
    ):
        answer = client.get(url)
        assert answer["Content-Type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
        found = [(r["dependant"], r["dependency"], r["responsible_team"], r["stale"]) for r in rows]
        assert found == [
            ("checkout", "ledger", "payments", "true"),
            ("api", "ledger", "payments", "false"),
        ]
    assert Event.objects.filter(kind="dependency.matrix_exported", actor=alice).count() == 2


def test_exports_nothing_to_a_stranger(
    ledger: Component, checkout: Service, api_app: Component, mallory: User
) -> None:
    stale(ledger, checkout, api_app)

    answer = people.api(mallory).get(f"{DEPENDENCIES}matrix/")

    assert answer.content.decode().count("\n") == 1


def test_flags_what_nobody_has_verified_until_somebody_does(
    ledger: Component, checkout: Service, api_app: Component, bob: User
) -> None:
    old = stale(ledger, checkout, api_app)

    run("cmdb.flag_stale", clock.now())
    assert flag_stale(clock.now()) == 0
    listed = people.api(bob).get(DEPENDENCIES, {"stale": "true"}).data["results"]
    assert [row["id"] for row in listed] == [old.pk]
    assert people.api(bob).post(f"{DEPENDENCIES}{old.pk}/verify/").status_code == 200

    old.refresh_from_db()
    assert old.stale_since is None
    assert clock.now() - old.verified_at < DAY


def test_draws_the_graph_with_links_and_the_same_as_a_table(
    ledger: Component, checkout: Service, api_app: Component, alice: User
) -> None:
    make.needs(checkout, api_app)
    make.needs(api_app, ledger)
    browser = people.browser(alice)

    page = browser.get(f"/admin/incidents/component/{api_app.pk}/change/").content.decode()
    service = browser.get(f"/admin/incidents/service/{checkout.pk}/change/").content.decode()

    for item, kind in ((checkout, "service"), (ledger, "component")):
        assert page.count(f'href="/admin/incidents/{kind}/{item.pk}/change/"') >= 2
    assert "<svg" in page
    assert "What it needs" in service
