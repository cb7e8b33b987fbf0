"""Reports: what the table makes of the answers, deciding otherwise, and turning them into work."""

from typing import Any

import pytest

from config.due.models import Timer
from config.errors import Blocker
from config.events import operations as events
from config.events.models import Event
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.intake.models import Conversion, IntakeItem, ItemState, WorkRecord
from incidents.lifecycle.models import Incident
from incidents.lifecycle.rules import State
from tests.config import make as people
from tests.incidents import governed, make

URL = "/api/v1/intake-items/"
ADMIN = "/admin/incidents/intakeitem/"
pytestmark = pytest.mark.django_db


def report(client: Any, **answers: Any) -> Any:
    made = client.post(URL, {"title": "New laptop", "service": "checkout", **answers})
    assert made.status_code == 201, made.data
    return made.data


def do(client: Any, item: Any, verb: str, **body: Any) -> Any:
    return client.post(f"{URL}{item['id']}/{verb}/", body)


@pytest.mark.check("INC-05.1")
def test_turns_a_standard_request_into_a_service_request(
    seeded: None, checkout: Service, bob: User
) -> None:
    client = people.api(bob)
    item = report(client, is_interrupted=False, is_standard_request=True)
    assert (item["table_answer"], item["table_version"]) == ("service_request", 1)

    done = do(client, item, "convert")

    assert done.status_code == 200, done.data
    work = WorkRecord.objects.get()
    assert work.origin.item is not None
    assert (work.kind, work.team, work.origin.item.pk) == (
        "service_request", checkout.team, item["id"],
    )  # fmt: skip
    assert done.data["converted_to"] == work.reference
    assert (done.data["state"], done.data["handoffs"]) == ("converted", 1)
    # No incident, and so nothing that any clock runs on.
    assert not Incident.objects.exists()
    assert not Timer.objects.exists()


@pytest.mark.check("INC-05.1")
@pytest.mark.parametrize(
    ("slowdown", "outcome"), [(0, "routine"), (20, "routine"), (21, "incident")]
)
def test_takes_a_slowdown_within_the_tolerance_for_routine(
    seeded: None, checkout: Service, bob: User, slowdown: int, outcome: str
) -> None:
    client = people.api(bob)
    item = report(client, is_interrupted=False, slowdown_percent=slowdown)

    do(client, item, "convert")

    assert item["table_answer"] == outcome
    stored = [*WorkRecord.objects.values_list("kind", flat=True)]
    assert stored == (["routine"] if outcome == "routine" else [])
    assert Incident.objects.count() == (outcome == "incident")


@pytest.mark.check("INC-05.1")
def test_takes_a_report_in_by_the_admin(seeded: None, checkout: Service, bob: User) -> None:
    browser = people.browser(bob)
    answers = {"is_interrupted": "false", "is_standard_request": "true"}
    made = browser.post(
        f"{ADMIN}add/",
        {"title": "New laptop", "service": checkout.pk, "description": "", **answers},
    )
    assert made.status_code == 302, made.content.decode()[:4000]
    item = IntakeItem.objects.get()
    assert (item.outcome, item.reported_by) == ("service_request", bob)

    browser.post(f"{ADMIN}{item.pk}/do/convert/", {"level": "warning"})

    item.refresh_from_db()
    assert item.conversion.work is not None
    assert (item.state, item.conversion.work.kind) == (ItemState.CONVERTED, "service_request")
    page = browser.get(f"{ADMIN}{item.pk}/change/").content.decode()
    assert item.conversion.work.reference in page
    assert "It is a standard request is yes: yes" in page


@pytest.mark.parametrize(
    ("answers", "outcome", "line"),
    [
        ({}, "incident", ""),
        ({"is_interrupted": True, "is_standard_request": True}, "incident", "interruption"),
        ({"is_planned_change": True}, "change", "planned-change"),
        ({"is_recurring": True}, "problem", "recurring"),
    ],
)
def test_goes_by_the_first_row_that_matches(
    seeded: None, checkout: Service, bob: User, answers: dict[str, Any], outcome: str, line: str
) -> None:
    client = people.api(bob)
    item = report(client, **answers)

    decided = client.get(f"{URL}{item['id']}/decisions/").data["results"][0]

    assert (decided["outcome"], decided["line"], decided["version"]) == (outcome, line, 1)


def test_attaches_a_duplicate_to_what_is_known(seeded: None, checkout: Service, bob: User) -> None:
    known = make.incident(service=checkout)
    client = people.api(bob)
    item = report(client, duplicate_of=known.reference, is_interrupted=True)

    done = do(client, item, "convert")

    assert (item["outcome"], done.data["converted_to"]) == ("duplicate", known.reference)
    assert Incident.objects.count() == 1
    assert "Reported again" in make.last_line(known).text


def test_says_nothing_of_an_incident_that_one_may_not_know_of(
    seeded: None, checkout: Service, alice: User, bob: User
) -> None:
    item = report(people.api(bob), is_interrupted=True)
    do(people.api(bob), item, "convert")
    incident = Incident.objects.get()
    make.do("edit", incident, actor=alice, changes={"is_restricted": True})

    shown = people.api(bob).get(f"{URL}{item['id']}/").data

    assert (shown["state"], shown["converted_to"]) == ("converted", "")


def test_converts_a_report_once(seeded: None, checkout: Service, bob: User) -> None:
    client = people.api(bob)
    item = report(client, is_interrupted=False, is_standard_request=True)
    do(client, item, "convert")

    again = [do(client, item, verb, **body) for verb, body in (
        ("convert", {}),
        ("override", {"outcome": "incident", "reason": "No"}),
        ("qualify", {"is_interrupted": True}),
        ("hand-over", {"team": "payments"}),
    )]  # fmt: skip

    assert {(each.status_code, each.data["code"]) for each in again} == {(409, "converted_already")}
    assert (Conversion.objects.count(), WorkRecord.objects.count()) == (1, 1)


def test_converts_an_incident_once(seeded: None, checkout: Service, alice: User) -> None:
    incident = make.incident(service=checkout, level="info")
    client = people.api(alice)
    body = {"incident": incident.reference, "outcome": "problem", "reason": "Nothing is down."}

    first, second = (client.post("/api/v1/conversions/", body) for _ in range(2))

    assert first.status_code == 201, first.data
    work = WorkRecord.objects.get()
    assert (work.kind, first.data["work"]) == ("problem", work.reference)
    incident.refresh_from_db()
    assert incident.state == State.CANCELLED
    assert (second.status_code, second.data["code"]) == (409, "converted_already")
    assert work.reference in second.data["detail"]
    triage = client.post(f"/api/v1/incidents/{incident.reference}/triage/")
    assert triage.status_code == 409


def test_names_what_keeps_an_incident_from_being_converted(
    seeded: None, checkout: Service, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = make.incident(service=checkout, level="info")
    role = Blocker("command_role_active", "Alice commands it; end the role first.")
    monkeypatch.setattr(events, "_guards", {"incident.convert": [lambda found: [role]]})
    body = {"incident": incident.reference, "outcome": "problem", "reason": "Nothing is down."}

    refused = people.api(alice).post("/api/v1/conversions/", body)

    assert (refused.status_code, refused.data["code"]) == (409, "blocked")
    assert [each["code"] for each in refused.data["blockers"]] == ["command_role_active"]
    assert not Conversion.objects.exists()
    assert not WorkRecord.objects.exists()


@pytest.mark.check("INC-05.3")
@pytest.mark.parametrize("reason", [{}, {"reason": ""}, {"reason": "  "}])
def test_refuses_to_decide_otherwise_without_a_reason(
    seeded: None, checkout: Service, bob: User, reason: dict[str, str]
) -> None:
    client = people.api(bob)
    item = report(client, is_interrupted=True)

    refused = do(client, item, "override", outcome="change", **reason)

    assert refused.status_code == 400
    assert refused.data["errors"][0]["pointer"] == "#/reason"
    stored = IntakeItem.objects.get()
    assert (stored.outcome, stored.decisions.count()) == ("incident", 1)


@pytest.mark.check("INC-05.3")
def test_refuses_it_in_the_admin_beside_the_field(
    seeded: None, checkout: Service, bob: User
) -> None:
    item = report(people.api(bob), is_interrupted=True)

    answer = people.browser(bob).post(
        f"{ADMIN}{item['id']}/do/override/", {"outcome": "change", "reason": "", "duplicate_of": ""}
    )

    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == ["reason"]
    assert IntakeItem.objects.get().outcome == "incident"


@pytest.mark.check("INC-05.3")
def test_keeps_the_tables_answer_beside_another_decision(
    seeded: None, checkout: Service, bob: User
) -> None:
    client = people.api(bob)
    item = report(client, is_interrupted=True)

    done = do(client, item, "override", outcome="change", reason="The vendor maintains it.")

    assert done.status_code == 200, done.data
    assert (done.data["table_answer"], done.data["outcome"]) == ("incident", "change")
    history = client.get(f"{URL}{item['id']}/history/").data["results"]
    assert history[0]["reason"] == "The vendor maintains it."
    assert [(c["field"], c["old"], c["new"]) for c in history[0]["changes"]] == [
        ("outcome", "incident", "change")
    ]
    first = {each["field"]: each["new"] for each in history[-1]["changes"]}
    stored = IntakeItem.objects.get()
    assert first["table_version"] == str(stored.table_version_id)
    assert first["table_answer"] == "incident"
    decided = client.get(f"{URL}{item['id']}/decisions/").data["results"][0]
    assert (decided["version"], decided["table_answer"], decided["outcome"]) == (
        1, "incident", "change",
    )  # fmt: skip
    event = Event.objects.get(kind="intake.overridden")
    assert event.data["table_answer"] == "incident"


def test_counts_hand_offs(seeded: None, checkout: Service, alice: User) -> None:
    other = people.team("desk", unit=checkout.team.unit)
    client = people.api(people.superuser())
    item = report(client, is_recurring=True)

    handed = do(client, item, "hand-over", team=other.key, reason="Theirs")
    done = do(client, item, "convert")

    assert (handed.data["team"], handed.data["handoffs"]) == ("desk", 1)
    assert (done.data["handoffs"], WorkRecord.objects.get().handoffs) == (2, 2)


def test_goes_by_a_table_that_was_governed(seeded: None, checkout: Service, bob: User) -> None:
    answer = governed.activate(
        "qualification-tables", {"otherwise": "service_request", "rules": []}
    )
    assert answer.status_code == 200, answer.data

    item = report(people.api(bob), is_interrupted=True)

    assert (item["outcome"], item["table_version"]) == ("service_request", 2)


def test_shows_no_report_to_strangers(
    seeded: None, checkout: Service, bob: User, mallory: User
) -> None:
    item = report(people.api(bob), is_recurring=True)
    client = people.api(mallory)

    answers = [client.get(f"{URL}{item['id']}/"), do(client, item, "convert")]

    assert [each.status_code for each in answers] == [404, 404]
    assert client.get(URL).data["results"] == []
    assert not Conversion.objects.exists()
