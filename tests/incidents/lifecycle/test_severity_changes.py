"""Changes of the severity: justified, decided by a second person, each one its own record."""

from typing import Any

import pytest

from config.access.rules import Role
from config.errors import FourEyes, HumanRequired, Refused
from config.events import operations as events
from config.events.models import Event
from config.organisation.models import Team, User
from incidents.catalog.models import Service
from incidents.lifecycle.handlers import severity_is_decided
from incidents.lifecycle.models import Incident, SeverityChange, SeverityDecision
from incidents.lifecycle.operations import (
    change_severity,
    close,
    decide_severity,
    edit,
    resolve,
    revise_impact,
    withdraw_severity,
)
from incidents.taxonomy.operations import seed_severity_table
from tests.config import make as people
from tests.harness.kept import kept
from tests.incidents import make

LOWER = {"to": "SEV2", "reason_code": "misjudged", "justification": "Only one region."}


@kept(autouse=True)
def matrix() -> Any:
    return seed_severity_table(people.system())


@pytest.fixture
def major(checkout: Service, bob: User) -> Incident:
    return make.incident(service=checkout, level="critical", actor=bob)


@pytest.fixture
def olga(payments: Team) -> User:
    """The owner of payments' services."""
    person = people.user("olga", name="Olga Ost")
    people.role(Role.SERVICE_OWNER, to=person, on=payments)
    return person


def address(incident: Incident, name: str) -> str:
    return f"/api/v1/incidents/{incident.reference}/{name}/"


def form_of(incident: Incident, name: str) -> str:
    return f"/admin/incidents/incident/{incident.pk}/do/{name}/"


@pytest.mark.check("INC-07.1")
def test_refuses_a_downgrade_without_a_justification_at_the_api(
    incident: Incident, bob: User
) -> None:
    client = people.api(bob)
    body = {"to": "SEV3", "reason_code": "impact_shrank"}

    for words in ({}, {"justification": "  "}):
        refused = client.post(address(incident, "severity-changes"), {**body, **words})
        assert refused.status_code == 400
        assert [each["pointer"] for each in refused.json()["errors"]] == ["#/justification"]
    assert Incident.objects.get().severity == "SEV2"
    done = client.post(
        address(incident, "severity-changes"), {**body, "justification": "Nobody notices."}
    )

    assert done.status_code == 201, done.json()
    assert Incident.objects.get().severity == "SEV3"
    history = client.get(address(incident, "history")).json()["results"][0]
    assert (history["reason"], history["actor"]) == ("Nobody notices.", "bob")
    change = SeverityChange.objects.get()
    assert (change.justification, change.requested_by) == ("Nobody notices.", bob)


@pytest.mark.check("INC-07.1")
def test_refuses_a_downgrade_without_a_justification_in_the_admin(
    incident: Incident, bob: User
) -> None:
    browser = people.browser(bob)
    values = {"to": "SEV3", "reason_code": "impact_shrank", "justification": "", "evidence": ""}

    refused = browser.post(form_of(incident, "change_severity"), values)

    assert refused.status_code == 200
    assert "say what justifies it" in refused.context["form"].errors["justification"][0]
    assert Incident.objects.get().severity == "SEV2"
    values["justification"] = "Nobody notices."
    assert browser.post(form_of(incident, "change_severity"), values).status_code == 302

    stored = Incident.objects.get()
    assert stored.severity == "SEV3"
    assert stored.history.first().history_change_reason == "Nobody notices."
    page = browser.get(f"/admin/incidents/incident/{incident.pk}/history/").content.decode()
    assert "Nobody notices." in page


@pytest.mark.check("INC-07.2")
def test_leaves_sev1_by_a_second_person_alone(major: Incident, alice: User, olga: User) -> None:
    client = people.api(alice)
    asked = client.post(address(major, "severity-changes"), LOWER)
    assert (asked.status_code, asked.json()["needs_decision"]) == (201, True)
    assert Incident.objects.get().severity == "SEV1"
    answer = {"change": asked.json()["id"], "approve": True}

    own = client.post(address(major, "decide-severity"), answer)

    assert (own.status_code, own.json()["code"]) == (409, "four_eyes")
    assert Incident.objects.get().severity == "SEV1"
    assert not SeverityDecision.objects.exists()
    approved = people.api(olga).post(address(major, "decide-severity"), answer)

    assert (approved.status_code, approved.json()["severity"]) == (200, "SEV2")
    assert Incident.objects.get().severity == "SEV2"
    decision = SeverityDecision.objects.get()
    assert (decision.change.requested_by, decision.decided_by) == (alice, olga)
    event = Event.objects.get(kind="incident.severity_changed")
    assert (event.data["requested_by"], event.data["decided_by"]) == (alice.pk, olga.pk)
    line = make.last_line(major).text
    assert "Alice Abel" in line
    assert "Olga Ost" in line
    assert major.engagements.order_by("-id")[0].severity == "SEV2"


@pytest.mark.check("INC-07.2")
def test_leaves_sev1_by_a_second_person_alone_in_the_admin(
    major: Incident, alice: User, olga: User
) -> None:
    browser = people.browser(alice)
    assert browser.post(form_of(major, "change_severity"), LOWER).status_code == 302
    number = SeverityChange.objects.get().pk
    answer = {"change": number, "approve": "true", "note": ""}

    own = browser.post(form_of(major, "decide_severity"), answer)

    assert "You asked for this severity" in own.content.decode()
    assert Incident.objects.get().severity == "SEV1"
    shown = people.browser(olga).get(f"/admin/incidents/incident/{major.pk}/change/")
    assert "SEV1 to SEV2 waits for a second person" in shown.content.decode()
    assert "/do/decide_severity/" in shown.content.decode()
    page = people.browser(olga).get(form_of(major, "decide_severity"))
    assert f'value="{number}"' in page.content.decode()
    done = people.browser(olga).post(form_of(major, "decide_severity"), answer)

    assert done.status_code == 302, done.content.decode()
    assert Incident.objects.get().severity == "SEV2"


def test_binds_a_superuser_and_a_stand_in_to_the_second_person(
    major: Incident, root: User, alice: User, olga: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = change_severity(major, actor=root, **LOWER)

    with pytest.raises(FourEyes):
        decide_severity(major, actor=root, change=change.pk, approve=True)
    monkeypatch.setitem(events._providers, "access.acts_for", lambda person: [root.pk])
    with pytest.raises(FourEyes):
        decide_severity(major, actor=olga, change=change.pk, approve=True)

    assert Incident.objects.get().severity == "SEV1"


def test_is_decided_by_people_alone(major: Incident, alice: User) -> None:
    change = change_severity(major, actor=alice, **LOWER)

    with pytest.raises(HumanRequired):
        decide_severity(major, actor=people.service_account(), change=change.pk, approve=True)


@pytest.mark.parametrize(
    ("who", "status"), [("bob", 403), ("carol", 403), ("mallory", 404), ("olga", 200)]
)
def test_is_decided_by_owner_or_commander(
    request: pytest.FixtureRequest, major: Incident, alice: User, who: str, status: int
) -> None:
    change = change_severity(major, actor=alice, **LOWER)
    person = request.getfixturevalue(who)

    answer = people.api(person).post(
        address(major, "decide-severity"), {"change": change.pk, "approve": True}
    )

    assert answer.status_code == status
    assert (Incident.objects.get().severity == "SEV2") == (status == 200)


def test_stays_where_the_second_person_says_no(major: Incident, bob: User, alice: User) -> None:
    change = change_severity(major, actor=bob, **LOWER)
    client = people.api(alice)
    answer = {"change": change.pk, "approve": False}

    silent = client.post(address(major, "decide-severity"), answer)
    assert [each["pointer"] for each in silent.json()["errors"]] == ["#/note"]
    said = client.post(address(major, "decide-severity"), {**answer, "note": "Both are down."})

    assert said.status_code == 200
    stored = Incident.objects.get()
    assert stored.severity == "SEV1"
    assert stored.severity_changes.get().decision.note == "Both are down."
    listed = client.get(address(major, "severity-changes")).json()["results"][0]
    assert (listed["verdict"], listed["decided_by"]) == ("rejected", "alice")


def test_has_one_request_at_a_time(major: Incident, bob: User, alice: User) -> None:
    change_severity(major, actor=bob, **LOWER)

    with pytest.raises(Refused) as refusal:
        change_severity(major, actor=alice, **{**LOWER, "to": "SEV3"})

    assert refusal.value.public_code == "severity_pending"


def test_is_withdrawn_by_who_asked_alone(major: Incident, bob: User, alice: User) -> None:
    change = change_severity(major, actor=bob, **LOWER)

    other = people.api(alice).post(address(major, "withdraw-severity"), {})
    own = people.api(bob).post(address(major, "withdraw-severity"), {"reason": "Too early."})

    assert (other.status_code, own.status_code) == (403, 200)
    with pytest.raises(Refused) as refusal:
        decide_severity(major, actor=alice, change=change.pk, approve=True)
    assert refusal.value.public_code == "severity_decided"
    assert Incident.objects.get().severity == "SEV1"


def test_decides_only_what_was_read(major: Incident, bob: User, alice: User) -> None:
    read = change_severity(major, actor=bob, **LOWER)
    withdraw_severity(major, actor=bob)
    change_severity(major, actor=bob, **{**LOWER, "to": "SEV4"})

    with pytest.raises(Refused):
        decide_severity(major, actor=alice, change=read.pk, approve=True)

    assert Incident.objects.get().severity == "SEV1"


def test_is_raised_to_sev1_by_hand_only_by_who_commands(
    incident: Incident, bob: User, alice: User
) -> None:
    body = {"to": "SEV1", "reason_code": "impact_grew"}

    refused = people.api(bob).post(address(incident, "severity-changes"), body)
    assert refused.status_code == 403
    done = people.api(alice).post(address(incident, "severity-changes"), body)

    assert (done.status_code, done.json()["needs_decision"]) == (201, False)
    assert Incident.objects.get().severity == "SEV1"


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("#/to", {"to": "SEV9", "reason_code": "other"}),
        ("#/reason_code", {"to": "SEV1", "reason_code": "computed"}),
    ],
)
def test_names_the_word_that_is_wrong(
    incident: Incident, alice: User, field: str, body: dict[str, str]
) -> None:
    answer = people.api(alice).post(address(incident, "severity-changes"), body)

    assert answer.status_code == 400
    assert [each["pointer"] for each in answer.json()["errors"]] == [field]


def test_asks_a_second_person_where_an_edit_would_leave_sev1(
    major: Incident, bob: User, alice: User
) -> None:
    edit(major, actor=bob, changes={"level": "warning"}, reason="Only a warning.")

    stored = Incident.objects.get()
    assert (stored.level, stored.severity, stored.computed_severity) == ("warning", "SEV1", "SEV3")
    request = stored.severity_changes.get()
    assert (request.needs_decision, request.justification) == (True, "Only a warning.")
    decide_severity(stored, actor=alice, change=request.pk, approve=True)

    assert Incident.objects.get().severity == "SEV3"


def test_overtakes_its_own_request_when_the_matrix_says_another(major: Incident, bob: User) -> None:
    edit(major, actor=bob, changes={"level": "warning"}, reason="Only a warning.")
    revise_impact(major, actor=bob, changes={"users_affected": 2_000}, justification="Counted.")

    first, second = SeverityChange.objects.order_by("id")
    assert (first.to_severity, first.decision.verdict) == ("SEV3", "superseded")
    assert (second.to_severity, second.needs_decision) == ("SEV2", True)
    revise_impact(major, actor=bob, changes={"users_affected": 20_000})

    assert SeverityChange.objects.undecided().count() == 0
    assert Incident.objects.get().severity == "SEV1"


def test_keeps_what_a_person_decided_unless_it_gets_worse(
    incident: Incident, bob: User, alice: User
) -> None:
    change_severity(
        incident, actor=bob, to="SEV4", reason_code="workaround", justification="A workaround."
    )
    revise_impact(incident, actor=bob, changes={"users_affected": 10})
    assert Incident.objects.get().severity == "SEV4"
    revise_impact(incident, actor=bob, changes={"users_affected": 50_000})

    assert Incident.objects.get().severity == "SEV1"


def test_closes_only_once_it_is_decided(
    major: Incident, bob: User, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    guards = {"incident.close": [severity_is_decided]}
    monkeypatch.setattr(events, "_guards", guards)
    change = change_severity(major, actor=bob, **LOWER)
    resolve(major, actor=bob)

    answer = people.api(alice).post(address(major, "close"), {})

    assert (answer.status_code, answer.json()["code"]) == (409, "blocked")
    assert answer.json()["blockers"][0]["code"] == "severity_undecided"
    decide_severity(major, actor=alice, change=change.pk, approve=True)
    close(major, actor=alice)

    with pytest.raises(Refused) as refusal:
        change_severity(major, actor=alice, **{**LOWER, "to": "SEV3"})
    assert refusal.value.public_code == "incident_over"
