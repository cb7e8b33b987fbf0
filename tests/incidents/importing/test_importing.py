"""The catalogue from files: previewed, refused by row, applied once, and again without change."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from config.access.rules import Role
from config.errors import Invalid
from config.events.models import Event
from config.organisation.models import Team, User
from incidents.catalog.models import Service
from incidents.components.models import Component, Dependency
from incidents.importing.models import CatalogueImport
from incidents.importing.operations import apply, preview
from incidents.importing.rules import rows_of
from tests.config import make as people
from tests.incidents import make

pytestmark = pytest.mark.django_db
URL = "/api/v1/catalogue-imports/"
SERVICES = """key,name,team,tier,rto_minutes,customer_facing,data_classes
wallet,Wallet,payments,1,60,yes,"personal; payment"
checkout,Till,payments,,,,
"""
COMPONENTS = """
- {key: ledger, name: Ledger, kind: database, domain: data, team: payments, external_id: abc}
- {key: edge, name: Edge, kind: network, domain: network, team: payments}
"""
DEPENDENCIES = """source,target,strength
checkout,ledger,hard
ledger,edge,shared
"""


@pytest.fixture
def dora(payments: Team) -> User:
    person = people.user("dora")
    people.role(Role.SERVICE_OWNER, to=person, on=payments)
    return person


def outcomes(found: Any) -> list[str]:
    rows = found["rows"] if isinstance(found, dict) else found.rows
    return [row["outcome"] for row in rows]


def test_says_what_each_row_would_do_and_changes_nothing(checkout: Service, dora: User) -> None:
    before = (checkout.history.count(), Event.objects.filter(kind__startswith="service.").count())

    answer = people.api(dora).post(URL, {"what": "services", "content": SERVICES})

    assert (answer.status_code, outcomes(answer.data)) == (201, ["created", "changed"])
    assert [row["about"] for row in answer.data["rows"]] == ["wallet", "checkout"]
    assert Service.objects.count() == 1
    after = (checkout.history.count(), Event.objects.filter(kind__startswith="service.").count())
    assert after == before


def test_does_it_by_the_operations_and_again_without_change(checkout: Service, dora: User) -> None:
    client = people.api(dora)
    made = client.post(URL, {"what": "services", "content": SERVICES})

    done = client.post(f"{URL}{made.data['id']}/apply/")
    twice = client.post(f"{URL}{made.data['id']}/apply/")
    again = client.post(URL, {"what": "services", "content": SERVICES})

    assert (done.status_code, done.data["state"]) == (200, "applied")
    wallet = Service.objects.get(key="wallet")
    assert (wallet.tier, wallet.is_customer_facing) == (1, True)
    assert wallet.data_classes == ["payment", "personal"]
    row = wallet.history.get()
    assert (row.origin, row.history_user) == ("import", dora)
    assert Event.objects.filter(kind="service.created", origin="import").exists()
    checkout.refresh_from_db()
    assert (checkout.name, checkout.tier) == ("Till", 1)
    assert (twice.status_code, twice.data["code"]) == (409, "import_applied")
    assert outcomes(again.data) == ["unchanged", "unchanged"]


def test_takes_components_and_dependencies_that_refer_to_each_other(
    checkout: Service, dora: User
) -> None:
    for what, form, content in (
        ("components", "yaml", COMPONENTS),
        ("dependencies", "csv", DEPENDENCIES),
    ):
        for expected in ("created", "unchanged"):
            made = preview(actor=dora, what=what, format=form, content=content)
            apply(made, actor=dora)
            assert outcomes(made) == [expected] * 2

    assert Component.objects.count() == 2
    assert {row.strength for row in Dependency.objects.all()} == {"hard", "shared"}


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("x,X,nobodys,3", "team"),
        ("x,X,payments,nine", "tier"),
        ("x,X,payments,7", ""),
        ("x,X,payments,1", "rto_minutes"),
        ("X Y,X,payments,3", "key"),
        (",X,payments,3", "key"),
        ("x,X,,3", "team"),
        ("tracking,X,payments,3", ""),
    ],
)
def test_names_row_and_column_that_are_wrong_and_takes_nothing(
    tracking: Service, dora: User, row: str, column: str
) -> None:
    content = f"key,name,team,tier\ngood,Good,payments,3\n{row}\n"
    client = people.api(dora)

    made = client.post(URL, {"what": "services", "content": content})
    done = client.post(f"{URL}{made.data['id']}/apply/")

    assert outcomes(made.data) == ["created", "wrong"]
    assert column in [each["column"] for each in made.data["rows"][1]["errors"]]
    assert (done.status_code, done.data["code"]) == (409, "import_has_errors")
    assert not Service.objects.filter(key="good").exists()


def test_does_no_more_than_the_person_may(checkout: Service, bob: User) -> None:
    made = preview(actor=bob, what="services", format="csv", content=SERVICES)

    assert outcomes(made) == ["wrong", "wrong"]


def test_is_seen_by_who_made_it(dora: User, mallory: User) -> None:
    made = people.api(dora).post(URL, {"what": "services", "content": SERVICES})

    assert people.api(mallory).get(f"{URL}{made.data['id']}/").status_code == 404
    assert people.api(mallory).post(f"{URL}{made.data['id']}/apply/").status_code == 404


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("csv", ""),
        ("csv", "key,name\n"),
        ("csv", "key,colour\nx,red\n"),
        ("csv", 'key,name\n"x,y\n'),
        ("csv", "key\nx,y\n"),
        ("yaml", "- [a]"),
        ("yaml", "key: [unclosed"),
        ("yaml", "!!python/object/apply:os.system [ls]"),
        ("yaml", "- {key: {a: {b: c}}, name: [[1]]}"),
        ("servicenow", "[{"),
        ("servicenow", '{"result": 5}'),
    ],
)
def test_refuses_a_file_that_can_not_be_read(dora: User, form: str, content: str) -> None:
    answer = people.api(dora).post(URL, {"what": "services", "format": form, "content": content})

    assert answer.status_code == 400
    assert answer.data["errors"][0]["pointer"] == "#/content"
    assert not CatalogueImport.objects.exists()


def test_reads_what_servicenow_exports(checkout: Service, dora: User) -> None:
    group = {"display_value": "Payments", "link": "https://example.org/x"}
    items = {
        "result": [
            {"name": "Ledger DB 1", "sys_class_name": "cmdb_ci_db_postgresql_instance",
             "support_group": group, "sys_id": "a" * 32, "operational_status": "1"},
            {"name": "Core switch", "sys_class_name": "IP Switch", "support_group": group,
             "sys_id": "b" * 32, "short_description": "In the cellar"},
        ]
    }  # fmt: skip
    relations = "parent,child,type\nCheckout,Ledger DB 1,Depends on::Used by\n"

    made = preview(actor=dora, what="components", format="servicenow", content=json.dumps(items))
    apply(made, actor=dora)
    edges = preview(actor=dora, what="dependencies", format="servicenow", content=relations)

    assert outcomes(made) == ["created", "created"], made.rows
    found = Component.objects.get(external_id="a" * 32)
    assert (found.key, found.kind, found.team.key) == ("ledger-db-1", "database", "payments")
    assert Component.objects.get(key="core-switch").kind == "network"
    assert outcomes(edges) == ["created"], edges.rows


def test_knows_a_component_by_its_external_id(payments: Team, dora: User) -> None:
    make.component("old-name", team=payments, external_id="abc")

    made = preview(actor=dora, what="components", format="yaml", content=COMPONENTS)
    apply(made, actor=dora)

    assert outcomes(made) == ["changed", "created"]
    assert Component.objects.get(external_id="abc").key == "ledger"


def test_is_previewed_and_applied_in_the_admin(checkout: Service, dora: User) -> None:
    browser = people.browser(dora)
    add = "/admin/incidents/catalogueimport/add/"
    file = SimpleUploadedFile("services.csv", SERVICES.encode())

    empty = browser.post(add, {"what": "services", "format": "csv", "content": ""})
    made = browser.post(add, {"what": "services", "format": "csv", "content": "", "file": file})
    found = CatalogueImport.objects.get()
    page = f"/admin/incidents/catalogueimport/{found.pk}"
    shown = browser.get(f"{page}/change/").content.decode()
    done = browser.post(f"{page}/do/apply/")

    assert list(empty.context["adminform"].form.errors) == ["file"]
    assert (made.status_code, done.status_code) == (302, 302)
    assert "1 to be created, 1 to be changed" in shown
    assert Service.objects.get(key="wallet").history.get().origin == "import"


def test_leaves_texts_as_they_are() -> None:
    rows = rows_of("services", "csv", "\ufeffkey,name\nx,=1+1\n")

    assert rows == [{"key": "x", "name": "=1+1"}]


def test_refuses_too_many_rows() -> None:
    with pytest.raises(Invalid):
        rows_of("services", "csv", "key\n" + "x\n" * 2_001)
