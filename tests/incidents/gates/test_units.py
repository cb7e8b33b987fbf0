"""What a unit's template may do with the enterprise's demands: ask more, never less."""

from typing import Any

import pytest

from config.access.rules import Role
from config.events.models import Event
from config.governance.models import VersionState
from config.organisation.models import BusinessUnit, User
from incidents.catalog.models import Service
from incidents.gates.models import IntakeTemplateVersion
from incidents.lifecycle.models import Incident
from tests.config import make as people
from tests.harness.pages import form_of
from tests.incidents import governed
from tests.incidents.gates.demands import asks, govern, keys_of, report

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
INCIDENTS = "/api/v1/incidents/"
URL = "/api/v1/intake-templates/"
TEMPLATES = "/admin/incidents/intaketemplateversion/"

HELD = (
    asks("title"),
    asks("category", "triage"),
    asks("description", "resolve", answer="at_least", least=20),
    asks("type", "resolve", answer="one_of", options=["payment", "cyber"]),
)
SEVERE = {
    "match": "all",
    "groups": [
        {
            "match": "all",
            "conditions": [{"field": "severity", "operator": "is", "value": "SEV1"}],
        }
    ],
}


@pytest.fixture
def una(retail: BusinessUnit) -> User:
    """Administrator of retail."""
    person = people.user("una")
    people.role(Role.UNIT_ADMINISTRATOR, to=person, on=retail)
    return person


def of_retail(una: User, *demands: dict[str, Any], **more: Any) -> Any:
    body = {"unit": "retail", "change_reason": "Ours", "demands": list(demands), **more}
    return people.api(una).post(URL, body)


def put_in_force(una: User, draft: Any) -> list[int]:
    row = f"{URL}{draft.data['id']}/"
    approver = people.api(governed.approver())
    steps = [people.api(una).post(f"{row}submit/"), approver.post(f"{row}approve/"),
             approver.post(f"{row}activate/")]  # fmt: skip
    return [each.status_code for each in steps]


@pytest.mark.parametrize(
    ("field", "instead", "said"),
    [
        ("category", None, "Category must stay mandatory to triage"),
        ("category", asks("category", "resolve"), "Category must stay mandatory to triage"),
        ("category", asks("category", "triage", conditions=SEVERE), "Category must stay"),
        ("title", asks("title", "triage"), "Title must stay mandatory to open"),
        ("description", asks("description", "resolve"), "with at least 20 characters"),
        ("description", asks("description", "open", answer="at_least", least=19), "at least 20"),
        ("type", asks("type", "resolve"), "as one of payment, cyber"),
        ("type", asks("type", "open", answer="one_of", options=["payment", "other"]), "as one of"),
    ],
)
def test_refuses_a_unit_that_demands_less(
    una: User, field: str, instead: dict[str, Any] | None, said: str
) -> None:
    govern(*HELD)
    kept = [each for each in HELD if each["field"] != field]

    refused = of_retail(una, *kept, *([instead] if instead else []))

    assert (refused.status_code, refused.data["code"]) == (409, "template_loosened")
    (error,) = refused.data["errors"]
    assert (error["pointer"], error["code"]) == ("#/demands", "template_loosened")
    assert said in error["detail"]
    assert not IntakeTemplateVersion.objects.filter(policy__unit__isnull=False).exists()
    assert Event.objects.get(kind="access.refused", actor=una).data["code"] == "template_loosened"


def test_lets_a_unit_demand_more(una: User, checkout: Service, bob: User) -> None:
    govern(*HELD)

    draft = of_retail(
        una,
        asks("title"),
        asks("category"),
        asks("tags", "triage"),
        asks("description", "triage", answer="at_least", least=30),
        asks("type", "resolve", answer="one_of", options=["cyber"]),
        channel="person",
    )
    steps = put_in_force(una, draft)
    refused = people.api(bob).post(INCIDENTS, report(type="cyber"))

    assert (draft.status_code, steps) == (201, [200, 200, 200])
    assert keys_of(refused.data["errors"]) == {("category", "required_at_open")}
    stored = IntakeTemplateVersion.objects.get(policy__unit__key="retail")
    assert (stored.state, stored.policy.key) == (VersionState.ACTIVE, "any--person")


def test_begins_with_what_a_unit_must_keep(una: User) -> None:
    govern(*HELD)
    govern(asks("level"), type="payment", channel="api")

    draft = people.api(una).post(
        URL, {"unit": "retail", "type": "payment", "change_reason": "Ours"}
    )

    assert draft.status_code == 201, draft.data
    stored = IntakeTemplateVersion.objects.get(pk=draft.data["id"])
    assert {(row.field, row.stage) for row in stored.demands.all()} == {
        (each["field"], each["stage"]) for each in HELD
    }


def test_says_in_the_form_of_a_unit_what_must_stay(una: User) -> None:
    govern(asks("title"), asks("category", "triage"))
    draft = people.api(una).post(URL, {"unit": "retail"}).data["id"]
    browser, page = people.browser(una), f"{TEMPLATES}{draft}/change/"
    form = form_of(browser.get(page))
    (row,) = (name for name, value in form.items() if value == "category")
    form[f"{row.removesuffix('-field')}-DELETE"] = "on"

    answer = browser.post(page, form)

    assert answer.status_code == 200
    assert "Category must stay mandatory to triage" in answer.content.decode()
    stored = IntakeTemplateVersion.objects.get(pk=draft)
    assert {row.field for row in stored.demands.all()} == {"title", "category"}


def test_holds_in_units_at_once_what_the_enterprise_begins_to_demand(
    una: User, checkout: Service, bob: User
) -> None:
    govern(asks("title"))
    assert put_in_force(una, of_retail(una, asks("title"))) == [200, 200, 200]

    govern(asks("title"), asks("category"))
    refused = people.api(bob).post(INCIDENTS, report())
    diverging = people.api(una).get("/api/v1/divergence/?unit=retail").data["results"]

    assert keys_of(refused.data["errors"]) == {("category", "required_at_open")}
    assert not Incident.objects.exists()
    (beyond,) = diverging[0]["beyond"]
    assert beyond.startswith("Category must stay mandatory to open: ")
