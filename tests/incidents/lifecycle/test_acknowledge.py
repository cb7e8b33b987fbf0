"""Acknowledging an incident."""

import datetime

import pytest

from config import clock
from config.errors import HumanRequired, Invalid, TransitionRefused
from config.events.models import Event
from config.organisation.models import User
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import acknowledge, reopen, resolve
from incidents.lifecycle.rules import OPEN_STATES, State
from tests.config import make as people
from tests.incidents import make

pytestmark = pytest.mark.usefixtures("no_guards")


def _acknowledgements(incident: Incident) -> list[Event]:
    events = Event.objects.filter(kind="incident.acknowledged", subject_id=incident.pk)
    return list(events.order_by("id"))


@pytest.mark.parametrize("state", OPEN_STATES)
def test_keeps_the_state(checkout, alice, state: str) -> None:
    incident = make.incident_in(state, service=checkout)

    acknowledge(incident, actor=alice, note="on it")

    stored = Incident.objects.get()
    assert (stored.state, stored.acknowledged_by) == (state, alice)
    line = make.last_line(stored)
    assert (line.text, line.actor) == ("Acknowledged.\n\non it", alice)


@pytest.mark.parametrize("state", sorted(set(State) - set(OPEN_STATES)))
def test_refuses_once_it_is_over(checkout, alice, state: str) -> None:
    incident = make.incident_in(state, service=checkout)

    with pytest.raises(TransitionRefused):
        acknowledge(incident, actor=alice)

    assert Incident.objects.get().acknowledged_at is None
    assert _acknowledgements(incident) == []


def test_records_nothing_when_the_same_person_repeats_it(incident, alice) -> None:
    acknowledge(incident, actor=alice)
    before = incident.revision, Event.objects.count()

    acknowledge(incident, actor=alice)

    assert (incident.revision, Event.objects.count()) == before


def test_lets_the_first_time_stand_when_others_follow(incident: Incident, alice, bob) -> None:
    first = clock.now()
    with clock.simulated(first):
        acknowledge(incident, actor=alice)

    acknowledge(incident, actor=bob)
    acknowledge(incident, actor=bob)

    stored = Incident.objects.get()
    assert (stored.acknowledged_at, stored.acknowledged_by) == (first, alice)
    recorded = [(event.actor, event.data["is_first"]) for event in _acknowledgements(incident)]
    assert recorded == [(alice, True), (bob, False)]


@pytest.mark.parametrize("tool", ["service_account", "system"])
def test_is_for_people(incident: Incident, tool: str) -> None:
    actor = people.service_account() if tool == "service_account" else people.system()

    with pytest.raises(HumanRequired) as refusal:
        acknowledge(incident, actor=actor)

    assert (refusal.value.public_code, refusal.value.status) == ("human_required", 403)
    assert Incident.objects.get().acknowledged_at is None


def test_takes_an_earlier_time(incident: Incident, alice) -> None:
    earlier = clock.now() - datetime.timedelta(minutes=7)

    acknowledge(incident, actor=alice, at=earlier)

    assert Incident.objects.get().acknowledged_at == earlier
    assert make.last_line(incident).is_late


def test_refuses_a_time_before_the_start(checkout, alice) -> None:
    start = clock.now() - datetime.timedelta(minutes=5)
    incident = make.incident(service=checkout, started_at=start)

    with pytest.raises(Invalid) as refusal:
        acknowledge(incident, actor=alice, at=start - datetime.timedelta(seconds=1))

    assert refusal.value.field == "at"


def test_is_asked_for_again_when_a_tool_reopens(incident: Incident, alice: User) -> None:
    acknowledge(incident, actor=alice)
    resolve(incident, actor=alice)

    reopen(incident, actor=people.system(), reason="The alert fires again.")

    assert (incident.acknowledged_at, incident.acknowledged_by) == (None, None)
    acknowledge(incident, actor=alice)
    assert incident.acknowledged_by == alice
    assert len(_acknowledgements(incident)) == 2


def test_stays_when_a_person_reopens(incident: Incident, alice: User, bob: User) -> None:
    acknowledge(incident, actor=alice)
    first = incident.acknowledged_at
    resolve(incident, actor=bob)

    reopen(incident, actor=bob, reason="It is back.")

    assert (incident.acknowledged_at, incident.acknowledged_by) == (first, alice)
