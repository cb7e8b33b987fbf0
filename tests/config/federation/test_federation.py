"""What units may change, what they may not, and who owns what from when (CMP-22)."""

import datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from config import clock
from config.access.rules import Role
from config.due.worker import run_due
from config.events.models import Event
from config.federation.models import OperatingModelVersion
from config.governance.models import Policy, SettingVersion, VersionState
from config.governance.seeding import seed_setting_policies
from config.organisation.models import BusinessUnit, Team, User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.taxonomy.impact import Impact
from incidents.taxonomy.models import SeverityTableVersion
from incidents.taxonomy.operations import classify, seed_severity_table
from tests.config import make
from tests.incidents import make as make_incidents

pytestmark = pytest.mark.django_db
TABLES = "/api/v1/severity-tables/"
MODELS = "/api/v1/operating-models/"
FREEDOMS = "/api/v1/policy-freedoms/"
DAY = datetime.timedelta(days=1)
NEW_RULE = {
    "position": 1,
    "severity": "SEV1",
    "conditions": {
        "match": "all",
        "groups": [
            {
                "match": "all",
                "conditions": [{"field": "level", "operator": "is", "value": "info"}],
            }
        ],
    },
}


@pytest.fixture
def una(retail: BusinessUnit) -> User:
    """Administrator of retail."""
    person = make.user("una", name="Una Unger")
    make.role(Role.UNIT_ADMINISTRATOR, to=person, on=retail)
    return person


@pytest.fixture
def paul(db: None) -> User:
    """Approves policies of the enterprise; petra does, too, so set-up mode is over."""
    people = [make.user(name, name=name.title()) for name in ("paul", "petra")]
    for person in people:
        make.role(Role.POLICY_APPROVER, to=person)
    return people[0]


@pytest.fixture
def table(db: None) -> SeverityTableVersion:
    found = seed_severity_table(make.system())
    assert found is not None
    return found


def set_freedom(approver: User, version: Any, freedom: str) -> str:
    """Proposed by an author, approved and activated; what the policy says then."""
    author = User.objects.filter(username="adam").first()
    if author is None:
        author = make.user("adam")
        make.role(Role.POLICY_AUTHOR, to=author)
    writer = make.api(author)
    body = {"about": version.policy_id, "freedom": freedom, "change_reason": "One standard"}
    draft = writer.post(FREEDOMS, body).json()["id"]
    assert put_in_force(FREEDOMS, draft, writer, make.api(approver)) == [200, 200, 200]
    return str(Policy.objects.get(pk=version.policy_id).freedom)


def put_in_force(
    path: str, pk: int, author: APIClient, approver: APIClient, **at: Any
) -> list[int]:
    calls = [
        author.post(f"{path}{pk}/submit/", {"change_reason": "Because"}),
        approver.post(f"{path}{pk}/approve/", {}),
        approver.post(f"{path}{pk}/activate/", at),
    ]
    return [each.status_code for each in calls]


def replacing(table: SeverityTableVersion, client: APIClient) -> int:
    """A draft of retail with the cells of the enterprise, and rules of its own."""
    cells = list(table.cells.values("level", "tier", "severity"))
    answer = client.post(TABLES, {"unit": "retail", "rules": [NEW_RULE], "cells": cells})
    return int(answer.json()["id"])


@pytest.mark.check("CMP-22.1")
def test_refuses_a_unit_what_is_locked(
    table: SeverityTableVersion, una: User, paul: User, retail: BusinessUnit
) -> None:
    locked = set_freedom(paul, table, "locked")

    answer = make.api(una).post(TABLES, {"unit": "retail", "rules": [NEW_RULE]})

    assert locked == "locked"
    assert (answer.status_code, answer.json()["code"]) == (409, "policy_locked")
    assert not Policy.objects.filter(unit=retail).exists()
    assert Event.objects.get(kind="access.refused").data["code"] == "policy_locked"


@pytest.mark.check("CMP-22.1")
def test_lets_a_unit_extend_for_itself_alone(
    table: SeverityTableVersion, una: User, paul: User, retail: BusinessUnit, freight: BusinessUnit
) -> None:
    set_freedom(paul, table, "extendable")
    client = make.api(una)
    enterprise = make.api(paul).get(f"{TABLES}{table.pk}/").json()
    kept = [{key: rule[key] for key in ("line", "position", "severity", "note", "conditions")}
            for rule in enterprise["rules"]]  # fmt: skip

    without = client.post(TABLES, {"unit": "retail", "rules": [NEW_RULE]})
    changed = client.post(
        TABLES, {"unit": "retail", "rules": [{**kept[0], "severity": "SEV4"}, *kept[1:]]}
    )
    extended = client.post(TABLES, {"unit": "retail", "rules": [NEW_RULE, *kept]})
    steps = put_in_force(TABLES, extended.json()["id"], client, make.api(paul))

    assert [(each.status_code, each.json()["code"]) for each in (without, changed)] == [
        (409, "policy_extension"),
        (409, "policy_extension"),
    ]
    assert (extended.status_code, steps) == (201, [200, 200, 200])
    assert classify(Impact("info", 4), retail).severity == "SEV1"
    assert classify(Impact("info", 4), freight).severity == "SEV4"
    assert classify(Impact("info", 4)).severity == "SEV4"


def test_asks_again_when_the_unit_activates(
    table: SeverityTableVersion, una: User, paul: User, retail: BusinessUnit
) -> None:
    draft = replacing(table, make.api(una))
    set_freedom(paul, table, "extendable")

    steps = put_in_force(TABLES, draft, make.api(una), make.api(paul))
    again = make.api(paul).post(f"{TABLES}{draft}/activate/", {}).json()

    assert steps == [200, 200, 409]
    assert {each["code"] for each in again["blockers"]} == {"policy_extension"}
    assert SeverityTableVersion.objects.get(pk=draft).state == VersionState.APPROVED


def test_keeps_a_unit_administrator_to_the_unit(
    una: User, retail: BusinessUnit, freight: BusinessUnit, tracking: Service, bob: User
) -> None:
    seed_setting_policies(make.system())
    theirs = make_incidents.incident(service=tracking)
    client = make.api(una)
    enterprise = SettingVersion.objects.get(policy__key="lifecycle.reopen_days")
    body = {"key": "lifecycle.reopen_days", "value": 3}
    role = {"role": "analyst", "person": "una", "container_type": "unit", "reason": "x"}

    answers = {
        "see": client.get(f"/api/v1/incidents/{theirs.reference}/"),
        "change": client.post(f"/api/v1/incidents/{theirs.reference}/resolve/", {}),
        "other unit's policy": client.post("/api/v1/settings/", {**body, "unit": "freight"}),
        "enterprise's policy": client.post("/api/v1/settings/", body),
        "enterprise's freedom": client.post(
            FREEDOMS, {"about": enterprise.policy_id, "freedom": "locked", "change_reason": "x"}
        ),
        "other unit's role": client.post(
            "/api/v1/role-assignments/", {**role, "container": "freight"}
        ),
        "other unit's team": client.patch("/api/v1/teams/logistics/", {"name": "x"}),
    }
    own = client.post("/api/v1/settings/", {**body, "unit": "retail"})

    assert {name: each.status_code for name, each in answers.items()} == {
        "see": 404,
        "change": 404,
        "other unit's policy": 400,
        "enterprise's policy": 403,
        "enterprise's freedom": 403,
        "other unit's role": 400,
        "other unit's team": 404,
    }
    assert own.status_code == 201
    assert client.get("/api/v1/incidents/").json()["results"] == []


def owners(client: APIClient, reference: str) -> dict[str, str]:
    found = client.get(f"/api/v1/incidents/{reference}/ownership/").json()
    return {each["duty"]: each["unit"] for each in found["owners"]}


@pytest.mark.check("CMP-22.3")
def test_switches_a_model_from_a_date_and_leaves_open_incidents_with_their_owner(
    una: User, paul: User, alice: User, checkout: Service, retail: BusinessUnit
) -> None:
    reader, switch = make.api(alice), clock.now() + 7 * DAY
    before = make_incidents.incident(service=checkout)
    draft = make.api(una).post(MODELS, {"unit": "retail", "model": "central"})
    steps = put_in_force(
        MODELS, draft.json()["id"], make.api(una), make.api(paul), at=switch.isoformat()
    )
    meanwhile = make_incidents.incident(service=checkout)

    def places() -> list[tuple[Any, ...]]:
        rows = Incident.objects.filter(pk__in=[before.pk, meanwhile.pk]).order_by("pk")
        return [(row.unit_id, row.team_id, row.revision, row.history.count()) for row in rows]

    untouched = places()
    with clock.simulated(switch + DAY):
        run_due(clock.now())
        after = make_incidents.incident(service=checkout)
        found = [owners(reader, each.reference) for each in (before, meanwhile, after)]

    federated = {"triage": "retail", "command": "retail", "policy": "retail"}
    (version,) = OperatingModelVersion.objects.all()
    assert (version.state, version.model) == (VersionState.ACTIVE, "central")
    assert meanwhile.opened_at < switch <= version.in_force.lower <= after.opened_at
    assert places() == untouched
    event = Event.objects.get(kind="policy.activated", subject_id=version.policyversion_ptr_id,
                              data__mode="timed")  # fmt: skip
    assert event.at == version.in_force.lower
    assert steps == [200, 200, 200]
    assert found[0] == found[1] == {**federated, "reporting": "enterprise"}
    assert found[2] == dict.fromkeys(("triage", "command", "policy", "reporting"), "enterprise")


def test_leaves_policies_to_the_enterprise_where_a_unit_is_central(
    table: SeverityTableVersion, una: User, paul: User, retail: BusinessUnit
) -> None:
    draft = make.api(una).post(MODELS, {"unit": "retail", "model": "central"}).json()["id"]
    put_in_force(MODELS, draft, make.api(una), make.api(paul))

    answer = make.api(una).post(TABLES, {"unit": "retail"})

    assert (answer.status_code, answer.json()["code"]) == (409, "policy_locked")


def test_reports_what_diverges_to_who_may_see_it(
    table: SeverityTableVersion, una: User, paul: User, payments: Team, mallory: User
) -> None:
    client = make.api(una)
    put_in_force(TABLES, replacing(table, client), client, make.api(paul))
    set_freedom(paul, table, "locked")

    (row,) = client.get("/api/v1/divergence/?unit=retail").json()["results"]
    hidden = make.api(mallory).get("/api/v1/divergence/").json()["results"]
    page = make.browser(una).get("/admin/config/operatingmodelversion/divergence/")

    assert (row["unit"], row["kind"], row["freedom"]) == ("retail", "severity_table", "locked")
    assert row["beyond"] == ["The enterprise keeps this policy for every unit."]
    assert row["differs"]
    assert hidden == []
    assert "Not allowed:" in page.content.decode()
    assert make.api(mallory).get("/api/v1/divergence/?unit=retail").status_code == 400
