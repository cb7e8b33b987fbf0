"""Many at once: threads with connections of their own, in a database of their own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from config.access.rules import Role
from config.errors import DomainError
from config.events.models import Event
from config.organisation.models import Team, User
from incidents.catalog.models import Service
from incidents.lifecycle.models import (
    Incident,
    KeyTimeClaim,
    ProvisionalSeverity,
    SeverityDecision,
)
from incidents.lifecycle.operations import (
    acknowledge,
    change_severity,
    decide_severity,
    declare_provisional,
    edit,
    investigate,
    resolve,
)
from incidents.timeline.models import TimelineEntry
from incidents.timeline.operations import add_note
from tests.config import make as people
from tests.incidents import make

pytestmark = pytest.mark.usefixtures("fresh_db", "no_guards")


@pytest.fixture
def incident(fresh_db, checkout: Service) -> Incident:
    return make.incident(service=checkout)


@pytest.fixture
def responders(fresh_db, payments: Team) -> list[User]:
    found = [people.user(f"responder-{number}") for number in range(8)]
    for person in found:
        people.role(Role.ENGINEER, to=person, on=payments)
    return found


def at_once(call: Callable[[User], Any], people: list[User]) -> list[Any]:
    """Call it for all of them together; the answer for each, or the refusal."""
    barrier = threading.Barrier(len(people))

    def run(who: User) -> Any:
        try:
            barrier.wait()
            return call(who)
        except DomainError as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(people)) as pool:
        return list(pool.map(run, people))


def fresh(incident: Incident) -> Incident:
    return Incident.objects.get(pk=incident.pk)


def test_lets_one_of_many_acknowledgements_be_the_first(incident, responders) -> None:
    results = at_once(lambda who: acknowledge(fresh(incident), actor=who), responders)

    assert not [result for result in results if isinstance(result, DomainError)]
    events = Event.objects.filter(kind="incident.acknowledged")
    assert events.count() == 8
    first = [event for event in events if event.data["is_first"]]
    assert [event.actor for event in first] == [fresh(incident).acknowledged_by]
    assert KeyTimeClaim.objects.filter(which="acknowledged").count() == 1


def test_records_a_person_once_who_presses_twice_at_once(incident, responders) -> None:
    at_once(lambda who: acknowledge(fresh(incident), actor=who), [responders[0]] * 8)

    assert Event.objects.filter(kind="incident.acknowledged").count() == 1
    assert fresh(incident).revision == 2


def test_lets_one_of_two_verbs_win(incident, responders) -> None:
    results = at_once(lambda who: resolve(fresh(incident), actor=who), responders)

    assert len([result for result in results if isinstance(result, DomainError)]) == 7
    assert Event.objects.filter(kind="incident.resolved").count() == 1
    assert fresh(incident).history.count() == 2


def test_takes_notes_while_others_hold_the_incident(incident, responders) -> None:
    first = responders[0]

    def act(who: User) -> Any:
        if who == first:
            return investigate(fresh(incident), actor=who)
        return add_note(fresh(incident), actor=who, text="x")

    at_once(act, responders)

    assert incident.timeline.count() == 9


def test_lets_one_of_two_corrections_win(incident, responders) -> None:
    line = add_note(incident, actor=responders[0], text="x")

    results = at_once(
        lambda who: add_note(fresh(incident), actor=who, text="y", supersedes=line), responders
    )

    assert len([result for result in results if isinstance(result, DomainError)]) == 7
    assert TimelineEntry.objects.filter(supersedes=line).count() == 1


def test_lets_one_of_two_edits_of_one_version_win(incident, responders) -> None:
    def rename(who: User) -> Incident:
        return edit(fresh(incident), actor=who, changes={"title": who.username}, revision=1)

    results = at_once(rename, responders)

    refusals = [result for result in results if isinstance(result, DomainError)]
    assert {refusal.public_code for refusal in refusals} == {"stale"}
    assert fresh(incident).revision == 2


def test_opens_fifty_at_once_under_different_references(checkout, responders) -> None:
    def open_ten(who: User) -> list[Incident]:
        return [make.incident(service=checkout, actor=who) for _ in range(10)]

    made = at_once(open_ten, responders[:5])

    references = {incident.reference for batch in made for incident in batch}
    assert len(references) == 50
    assert Incident.objects.count() == 50
    assert Event.objects.filter(kind="incident.opened").count() == 50


def test_lets_one_of_many_decisions_about_a_severity_win(checkout, responders) -> None:
    major = make.incident(service=checkout, level="critical")
    asked = change_severity(
        major, actor=people.user("rita"), to="SEV2", reason_code="misjudged", justification="x"
    )

    def decide(who: User) -> SeverityDecision:
        approve = responders.index(who) % 2 == 0
        return decide_severity(
            fresh(major), actor=who, change=asked.pk, approve=approve, note="decided"
        )

    results = at_once(decide, responders)

    refusals = [result for result in results if isinstance(result, DomainError)]
    assert [refusal.public_code for refusal in refusals] == ["severity_decided"] * 7
    decision = SeverityDecision.objects.get()
    assert (fresh(major).severity == "SEV2") == (decision.verdict == "approved")


def test_declares_a_provisional_severity_once(incident, payments, responders) -> None:
    for person in responders:
        people.role(Role.DUTY_MANAGER, to=person, on=payments)

    results = at_once(
        lambda who: declare_provisional(fresh(incident), actor=who, justification="x"), responders
    )

    assert len([result for result in results if isinstance(result, DomainError)]) == 7
    assert ProvisionalSeverity.objects.count() == 1
