"""The verbs, from every state."""

import datetime

import pytest

from config import clock
from config.errors import Blocked, Blocker, Invalid, TransitionRefused
from config.events import operations as events
from config.events.models import Event
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle import operations
from incidents.lifecycle.models import Incident, KeyTimeClaim
from incidents.lifecycle.rules import EVENTS, NEED_REASON, TRANSITIONS, VERBS, State, verbs_from
from incidents.timeline.models import TimelineEntry
from tests.incidents import make

# The contract's table, written out by verb: from which states each may be done.
FROM = {
    "triage": {"new"},
    "investigate": {"new", "triaged", "mitigated", "monitoring"},
    "mitigate": {"investigating"},
    "monitor": {"new", "triaged", "investigating", "mitigated"},
    "resolve": {"new", "triaged", "investigating", "mitigated", "monitoring"},
    "close": {"resolved"},
    "cancel": {"new", "triaged"},
    "reopen": {"resolved", "closed"},
}
SETS = {
    "mitigate": {"mitigated"},
    "resolve": {"resolved", "restored"},
    "close": {"closed"},
}
LEGAL = [(state, verb) for verb, states in FROM.items() for state in sorted(states)]
ILLEGAL = [(state, verb) for state in State for verb in VERBS if state not in FROM[verb]]

pytestmark = pytest.mark.usefixtures("no_guards")


@pytest.mark.parametrize(("state", "verb"), LEGAL)
def test_moves_the_incident_and_records_it_once(
    checkout: Service, alice: User, state: str, verb: str
) -> None:
    incident = make.incident_in(state, service=checkout)
    before = {name for name, at in incident.times().items() if at is not None}
    lines = TimelineEntry.objects.count()

    make.do(verb, incident, actor=alice, note="seen")

    stored = Incident.objects.get()
    assert stored.state == VERBS[verb]
    if verb != "reopen":
        known = {name for name, at in stored.times().items() if at is not None}
        assert known == before | SETS.get(verb, set())
    event = Event.objects.get(kind=EVENTS[verb], actor=alice)
    assert (event.data["from"], event.data["to"]) == (state, VERBS[verb])
    assert TimelineEntry.objects.count() == lines + 1
    row = stored.history.first()
    assert (row.history_user, row.state) == (alice, VERBS[verb])


@pytest.mark.parametrize(("state", "verb"), ILLEGAL)
def test_refuses_what_the_table_does_not_have(
    checkout: Service, alice: User, state: str, verb: str
) -> None:
    incident = make.incident_in(state, service=checkout)
    before = incident.revision, Event.objects.count(), KeyTimeClaim.objects.count()

    with pytest.raises(TransitionRefused) as refusal:
        make.do(verb, incident, actor=alice)

    assert refusal.value.extra["allowed"] == verbs_from(state)
    stored = Incident.objects.get()
    assert stored.state == state
    assert (stored.revision, Event.objects.count(), KeyTimeClaim.objects.count()) == before


def test_has_a_verb_for_every_way_of_the_table() -> None:
    ways = {(state, target) for state, targets in TRANSITIONS.items() for target in targets}

    assert {(state, VERBS[verb]) for state, verb in LEGAL} == ways


def test_reaches_every_state_and_leaves_all_but_cancelled() -> None:
    reached = {target for targets in TRANSITIONS.values() for target in targets}

    assert reached == set(State) - {State.NEW}
    assert [state for state, targets in TRANSITIONS.items() if not targets] == [State.CANCELLED]


@pytest.mark.parametrize("verb", NEED_REASON)
def test_asks_for_a_reason(checkout: Service, alice: User, verb: str) -> None:
    incident = make.incident_in("new" if verb == "cancel" else "resolved", service=checkout)

    with pytest.raises(Invalid) as refusal:
        make.do(verb, incident, actor=alice, reason="  ")

    assert refusal.value.field == "reason"
    assert Incident.objects.get().state == incident.state


@pytest.mark.parametrize("verb", ["mitigate", "resolve", "investigate"])
def test_takes_an_earlier_time_but_none_before_the_start(
    checkout: Service, alice: User, verb: str
) -> None:
    start = clock.now() - datetime.timedelta(hours=1)
    state = "investigating" if verb == "mitigate" else "new"
    incident = make.incident_in(state, service=checkout, started_at=start)

    with pytest.raises(Invalid) as refusal:
        make.do(verb, incident, actor=alice, at=start - datetime.timedelta(seconds=1))
    assert refusal.value.field == "at"
    make.do(verb, incident, actor=alice, at=start)

    assert make.last_line(incident).at == start
    assert all(incident.times()[which] == start for which in SETS.get(verb, ()))


def test_refuses_the_future(incident: Incident, alice: User) -> None:
    later = clock.now() + datetime.timedelta(minutes=2)

    with pytest.raises(Invalid, match="future") as refusal:
        operations.resolve(incident, actor=alice, at=later)

    assert refusal.value.field == "at"
    assert Incident.objects.get().state == "new"


def test_cannot_be_closed_before_it_was_resolved(incident: Incident, alice: User) -> None:
    operations.resolve(incident, actor=alice)
    assert incident.resolved_at is not None

    with pytest.raises(Invalid) as refusal:
        operations.close(
            incident, actor=alice, at=incident.resolved_at - datetime.timedelta(seconds=1)
        )

    assert refusal.value.field == "at"


def test_keeps_a_restoration_that_was_known(incident: Incident, alice: User) -> None:
    restored = clock.now() - datetime.timedelta(seconds=30)
    operations.claim_time(incident, "restored", restored, actor=alice)

    operations.resolve(incident, actor=alice)

    assert Incident.objects.get().restored_at == restored


def test_lists_what_guards_say_and_changes_nothing(
    incident: Incident, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocker = Blocker("review_missing", "Write the review.", "/review/")
    monkeypatch.setattr(events, "_guards", {"incident.resolve": [lambda subject: [blocker]]})
    before = Event.objects.count()

    with pytest.raises(Blocked, match="Write the review") as refusal:
        operations.resolve(incident, actor=alice)

    assert refusal.value.extra["blockers"] == [blocker.as_dict()]
    assert Incident.objects.get().state == "new"
    assert Event.objects.count() == before


def test_survives_a_stale_copy(incident: Incident, alice: User) -> None:
    stale = Incident.objects.get()
    operations.investigate(incident, actor=alice)

    operations.mitigate(stale, actor=alice)

    assert Incident.objects.get().state == "mitigated"
    assert stale.state == "mitigated"


def test_leaves_nothing_when_it_fails_after_recording(
    incident: Incident, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(event: Event) -> None:
        raise RuntimeError(event.kind)

    monkeypatch.setattr(events, "_within", {"incident.resolved": [fail]})
    before = Event.objects.count(), KeyTimeClaim.objects.count(), TimelineEntry.objects.count()

    with pytest.raises(RuntimeError, match=r"incident\.resolved"):
        operations.resolve(incident, actor=alice)

    stored = Incident.objects.get()
    assert (stored.state, stored.resolved_at, stored.history.count()) == ("new", None, 1)
    after = Event.objects.count(), KeyTimeClaim.objects.count(), TimelineEntry.objects.count()
    assert after == before
