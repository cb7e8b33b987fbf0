"""One tree for the whole company: overlays of units, retirement, and what records say by it."""

import re
from typing import Any

import pytest

from config.errors import Invalid
from config.governance.models import VersionState
from config.organisation.models import BusinessUnit, User
from config.organisation.rules import Domain
from fixtures.reference import seed_reference
from incidents.catalog.models import Service
from incidents.components.models import Component
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import edit
from incidents.terms.models import TaxonomyEntry, TaxonomyValue, TaxonomyVersion
from incidents.terms.operations import TAXONOMY_KEY, check_component, tree_for
from incidents.terms.rules import Term, Tree
from tests.config import make as people
from tests.harness.kept import kept
from tests.harness.pages import form_of
from tests.incidents import governed, make

pytestmark = pytest.mark.django_db
INCIDENTS = "/api/v1/incidents/"
ADMIN = "/admin/incidents/incident/"
VERSIONS = "/admin/incidents/taxonomyversion/"


def _found(tree: Tree, kind: str, key: str) -> Term:
    term = tree.find(kind, key)
    assert term is not None
    return term


@kept(heavy=True)
def seeded() -> TaxonomyVersion:
    seed_reference()
    return TaxonomyVersion.objects.get(state=VersionState.ACTIVE)


def value(kind: str, key: str) -> TaxonomyValue:
    return TaxonomyValue.objects.get(kind=kind, key=key)


def entries_of(version: TaxonomyVersion, **changed: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a version as the API takes them, those named `kind__key` changed."""
    names = ("kind", "key", "label", "parent", "is_retired", "component_kinds", "default_tags")
    return [
        {name: getattr(row, name) for name in names}
        | changed.get(f"{row.kind}__{row.key.replace('-', '_')}", {})
        for row in version.entries.order_by("line")
    ]


def leaf(**fields: Any) -> dict[str, Any]:
    return {
        "kind": "category", "key": "till-down", "label": "Till down",
        "parent": "category:outage", **fields,
    }  # fmt: skip


def overlay(unit: BusinessUnit, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"unit": unit.key, "entries": list(entries)}


def retire(version: TaxonomyVersion, name: str) -> None:
    body = {"entries": entries_of(version, **{name: {"is_retired": True}})}
    answer = governed.activate("taxonomies", body)
    assert answer.status_code == 200, answer.data


def report(client: Any, key: str) -> int:
    rows = client.get("/api/v1/incident-consolidation/", {"key": key}).data["results"]
    return int(rows[0]["incidents"])


@pytest.mark.check("INC-04.1")
@pytest.mark.parametrize("parent", ["", "category:nothing"])
def test_refuses_a_units_value_without_an_enterprise_parent(
    seeded: TaxonomyVersion, retail: BusinessUnit, parent: str
) -> None:
    answer = governed.draft("taxonomies", overlay(retail, leaf(parent=parent)))

    assert (answer.status_code, answer.data["code"]) == (400, "invalid")
    assert [each["code"] for each in answer.data["errors"]] == ["policy_extension"]
    assert answer.data["errors"][0]["pointer"] == "#/entries"
    assert not TaxonomyEntry.objects.filter(key="till-down").exists()


@pytest.mark.check("INC-04.1")
def test_refuses_it_in_the_admin_beside_the_row(
    seeded: TaxonomyVersion, retail: BusinessUnit
) -> None:
    made = governed.draft("taxonomies", overlay(retail))
    browser = people.browser(governed.author())
    page = f"{VERSIONS}{made.data['id']}/change/"
    form = form_of(browser.get(page))
    row = {"kind": "category", "key": "till-down", "label": "Till down", "parent": ""}
    for name, said in row.items():
        form[f"entries-0-{name}"] = said
    form["entries-TOTAL_FORMS"] = "1"

    answer = browser.post(page, form)

    assert answer.status_code == 200
    assert "Choose the enterprise value that it hangs below." in answer.content.decode()
    assert not TaxonomyEntry.objects.filter(key="till-down").exists()


@pytest.mark.check("INC-04.1")
def test_rolls_a_units_value_up_into_its_parent(
    seeded: TaxonomyVersion, retail: BusinessUnit, checkout: Service, bob: User, carol: User
) -> None:
    assert governed.activate("taxonomies", overlay(retail, leaf())).status_code == 200
    client = people.api(bob)
    body = {"title": "Tills", "service": "checkout", "level": "error"}
    for key in ("till-down", "outage", "degradation"):
        made = client.post(INCIDENTS, {**body, "type": "system-failure", "category": key})
        assert made.status_code == 201, made.data

    reader = people.api(carol)

    assert (report(reader, "outage"), report(reader, "degradation")) == (2, 1)
    assert report(reader, "system-failure") == 3
    listed = reader.get("/api/v1/incident-consolidation/?page_size=200").data["results"]
    assert "till-down" not in {row["key"] for row in listed}
    page = people.browser(carol).get("/admin/incidents/taxonomyvalue/?q=outage")
    assert page.status_code == 200


def test_counts_only_what_the_reader_may_see(
    seeded: TaxonomyVersion, checkout: Service, mallory: User, carol: User
) -> None:
    terms = {"type": value("type", "payment"), "tags": ["vendor"]}
    make.incident(service=checkout, terms=terms)

    seen = [(report(people.api(p), "payment"), report(people.api(p), "vendor"))
            for p in (carol, mallory)]  # fmt: skip

    assert seen == [(1, 1), (0, 0)]


def test_lets_no_unit_redefine_what_the_enterprise_says(
    seeded: TaxonomyVersion, retail: BusinessUnit
) -> None:
    answer = governed.draft("taxonomies", overlay(retail, leaf(key="outage", label="Ours")))

    assert [each["code"] for each in answer.data["errors"]] == ["policy_extension"]
    assert _found(tree_for(retail), "category", "outage").label == "Outage"


def test_offers_a_units_value_to_that_unit_alone(
    seeded: TaxonomyVersion, retail: BusinessUnit, checkout: Service, tracking: Service
) -> None:
    governed.activate("taxonomies", overlay(retail, leaf()))
    root = people.api(people.superuser())
    body = {"title": "Tills", "level": "error", "category": "till-down"}

    answers = [root.post(INCIDENTS, {**body, "service": key}) for key in ("checkout", "tracking")]

    assert [each.status_code for each in answers] == [201, 400]
    assert answers[1].data["errors"][0]["pointer"] == "#/category"
    assert answers[1].data["code"] == "value_not_offered"
    assert Incident.objects.get().category == value("category", "till-down")


@pytest.mark.check("INC-04.3")
def test_offers_a_retired_value_no_more_and_still_shows_it(
    seeded: TaxonomyVersion, checkout: Service, bob: User
) -> None:
    old = make.incident(service=checkout, terms={"category": value("category", "malware")})
    other = make.incident(service=checkout)
    retire(seeded, "category__malware")
    client, browser = people.api(bob), people.browser(bob)
    option = re.compile(rf'<option value="{old.category_id}"[^>]*>[^<]*Malware')
    body = {"title": "New", "service": "checkout", "level": "error", "category": "malware"}

    refused = client.post(INCIDENTS, body)

    assert (refused.status_code, refused.data["code"]) == (400, "value_retired")
    assert refused.data["errors"][0]["pointer"] == "#/category"
    assert Incident.objects.count() == 2
    assert not option.search(browser.get(f"{ADMIN}add/").content.decode())
    assert not option.search(browser.get(f"{ADMIN}{other.pk}/change/").content.decode())
    assert option.search(browser.get(f"{ADMIN}{old.pk}/change/").content.decode())
    assert client.get(f"{INCIDENTS}{old.reference}/").data["category"] == "malware"
    found = client.get("/api/v1/taxonomy-values/", {"key": "malware"}).data["results"][0]
    assert (found["label"], found["retired"]) == ("Malware", True)


@pytest.mark.check("INC-04.3")
def test_takes_a_retired_value_in_no_form_of_the_admin(
    seeded: TaxonomyVersion, checkout: Service, bob: User
) -> None:
    malware = value("category", "malware")
    retire(seeded, "category__malware")
    body = {
        "title": "New", "service": checkout.pk, "level": "error", "description": "",
        "category": malware.pk,
    }  # fmt: skip

    answer = people.browser(bob).post(f"{ADMIN}add/", body)

    assert answer.status_code == 200
    assert not Incident.objects.exists()


def test_lets_an_old_record_be_worked_on(seeded: TaxonomyVersion, checkout: Service) -> None:
    old = make.incident(service=checkout, terms={"category": value("category", "malware")})
    retire(seeded, "category__malware")

    edit(old, actor=people.system(), changes={"title": "Worm", "category": old.category})

    stored = Incident.objects.get()
    assert stored.category is not None
    assert (stored.title, stored.category.key) == ("Worm", "malware")


def test_retires_what_hangs_below_as_well(seeded: TaxonomyVersion) -> None:
    retire(seeded, "type__cyber")

    tree = tree_for()
    assert not tree.is_offered(_found(tree, "category", "malware"))


def test_refuses_a_version_from_which_a_value_is_gone(seeded: TaxonomyVersion) -> None:
    rest = [row for row in entries_of(seeded) if row["key"] != "malware"]

    answer = governed.activate("taxonomies", {"entries": rest})

    assert (answer.status_code, answer.data["code"]) == (409, "blocked")
    assert [each["code"] for each in answer.data["blockers"]] == ["taxonomy_value_removed"]
    assert tree_for().find("category", "malware") is not None


def test_refuses_a_circle(seeded: TaxonomyVersion) -> None:
    rows = entries_of(
        seeded, type__cyber={"parent": "type:payment"}, type__payment={"parent": "type:cyber"}
    )

    answer = governed.activate("taxonomies", {"entries": rows})

    assert {each["code"] for each in answer.data["blockers"]} == {"taxonomy_circular"}


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"parent": "tag:vendor"}, "parent"),
        ({"component_kinds": ["database"]}, "component_kinds"),
    ],
)
def test_refuses_what_a_kind_does_not_have(
    seeded: TaxonomyVersion, row: dict[str, Any], field: str
) -> None:
    answer = governed.draft("taxonomies", {"entries": [*entries_of(seeded), leaf(**row)]})

    assert answer.status_code == 400
    assert field in answer.data["detail"]


def test_refuses_a_category_of_another_type(
    seeded: TaxonomyVersion, checkout: Service, bob: User
) -> None:
    body = {"title": "New", "service": "checkout", "level": "error"}

    answer = people.api(bob).post(INCIDENTS, {**body, "type": "payment", "category": "malware"})

    assert (answer.status_code, answer.data["code"]) == (400, "category_not_of_type")
    assert not Incident.objects.exists()


def test_gives_an_incident_the_tags_of_its_type(
    seeded: TaxonomyVersion, checkout: Service, bob: User
) -> None:
    body = {"title": "New", "service": "checkout", "level": "error", "tags": ["vendor"]}

    made = people.api(bob).post(INCIDENTS, {**body, "type": "cyber"})

    assert made.data["tags"] == ["security", "vendor"]
    found = people.api(bob).get(INCIDENTS, {"tag": "security"}).data["results"]
    assert [row["reference"] for row in found] == [made.data["reference"]]


def test_keeps_what_classified_it_in_the_history(
    seeded: TaxonomyVersion, checkout: Service, bob: User
) -> None:
    client = people.api(bob)
    made = client.post(INCIDENTS, {"title": "New", "service": "checkout", "level": "error"})
    row = f"{INCIDENTS}{made.data['reference']}/"

    answer = client.patch(row, {"cause_code": "capacity"}, headers={"If-Match": "*"})

    assert (answer.status_code, answer.data["cause_code"]) == (200, "capacity")
    change = client.get(f"{row}history/").data["results"][0]["changes"]
    assert [(each["field"], each["new"]) for each in change] == [("cause_code", "capacity")]


def test_classifies_in_the_admin(seeded: TaxonomyVersion, checkout: Service, bob: User) -> None:
    body = {
        "title": "New", "service": checkout.pk, "level": "error", "description": "",
        "type": value("type", "payment").pk, "tags": ["vendor"],
    }  # fmt: skip

    answer = people.browser(bob).post(f"{ADMIN}add/", body)

    assert answer.status_code == 302, answer.content.decode()
    stored = Incident.objects.get()
    assert stored.type is not None
    assert (stored.type.key, stored.tags) == ("payment", ["payments", "vendor"])


@pytest.mark.parametrize(
    ("key", "component", "allowed"),
    [("system-failure", "database", True), ("system-failure", "third_party_api", False),
     ("cyber", "third_party_api", True)],
)  # fmt: skip
def test_knows_on_which_components_a_type_is_raised(
    seeded: TaxonomyVersion, retail: BusinessUnit, key: str, component: str, allowed: bool
) -> None:
    if allowed:
        check_component(value("type", key), component, retail)
        return
    with pytest.raises(Invalid) as refusal:
        check_component(value("type", key), component, retail)
    assert refusal.value.field == "component"


@pytest.mark.check("INC-04.2")
@pytest.mark.parametrize(("kind", "status"), [("third_party_api", 400), ("database", 201)])
def test_refuses_a_type_that_is_not_for_the_component(
    seeded: TaxonomyVersion, checkout: Service, bob: User, kind: str, status: int
) -> None:
    make_component(checkout, kind)
    body = {"title": "Slow", "service": "checkout", "level": "error", "component": "thing"}

    answer = people.api(bob).post(INCIDENTS, {**body, "type": "system-failure"})

    assert answer.status_code == status, answer.data
    if status == 400:
        assert answer.data["code"] == "type_not_for_component"
        assert answer.data["errors"][0]["pointer"] == "#/component"
        assert not Incident.objects.exists()
    else:
        stored = Incident.objects.get()
        assert stored.component is not None
        assert stored.type is not None
        assert (stored.component.key, stored.type.key) == ("thing", "system-failure")


@pytest.mark.check("INC-04.2")
def test_refuses_it_in_the_admin_beside_the_component(
    seeded: TaxonomyVersion, checkout: Service, bob: User
) -> None:
    component = make_component(checkout, "third_party_api")
    body = {
        "title": "Slow", "service": checkout.pk, "level": "error", "description": "",
        "component": component.pk, "type": value("type", "system-failure").pk,
    }  # fmt: skip

    answer = people.browser(bob).post(f"{ADMIN}add/", body)

    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == ["component"]
    assert not Incident.objects.exists()


def make_component(service: Service, kind: str) -> Component:
    found = Component(
        key="thing", name="Thing", kind=kind, domain=Domain.values[0], team=service.team
    )
    return found.save_as(people.system())


def test_draws_a_form_in_which_nobody_types_a_structure(seeded: TaxonomyVersion) -> None:
    made = governed.draft("taxonomies", {})
    browser = people.browser(governed.author())
    page = f"{VERSIONS}{made.data['id']}/change/"
    form = form_of(browser.get(page))
    first = next(n for n in range(60) if form.get(f"entries-{n}-key") == "malware")
    form[f"entries-{first}-label"] = "Malicious software"

    answer = browser.post(page, form)

    assert answer.status_code == 302, answer.content.decode()[:5000]
    draft = TaxonomyVersion.objects.get(pk=made.data["id"])
    assert draft.entries.get(key="malware").label == "Malicious software"
    assert draft.entries.count() == seeded.entries.count()
    assert draft.policy.key == TAXONOMY_KEY
    assert draft.entries.get(key="cyber").default_tags == ["security"]
