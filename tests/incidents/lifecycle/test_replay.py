"""Whatever is done in whatever order, the timeline tells what the row says."""

import datetime
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from config import clock
from config.errors import DomainError
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle import operations
from incidents.lifecycle.models import Incident, KeyTime
from incidents.lifecycle.rules import OPEN_STATES, VERBS, State
from incidents.timeline.operations import add_note
from tests.config import make as people
from tests.incidents import make

START = datetime.datetime(2026, 11, 3, 9, 0, tzinfo=datetime.UTC)
VERB = st.sampled_from([*VERBS, "acknowledge"])
# (verb or other operation, who, minutes that pass before, minutes before now that it states)
STEP = st.tuples(
    VERB | st.sampled_from(["note", "claim", "choose", "edit"]),
    st.integers(0, 2),
    st.integers(0, 60 * 24 * 2),
    st.none() | st.integers(0, 180),
)


def replay(incident: Incident) -> dict[str, Any]:
    """State and times as the timeline alone tells them."""
    state, times = None, dict.fromkeys(KeyTime.values)
    for line in incident.timeline.select_related("event").order_by("id"):
        state = line.event.data.get("to", state)
        for which, at in line.event.data.get("times", {}).items():
            times[which] = datetime.datetime.fromisoformat(at) if at else None
    return {"state": state, **times}


def step(incident: Incident, kind: str, actor: User, at: datetime.datetime | None) -> None:
    if kind == "note":
        add_note(incident, actor=actor, text="A line", at=at)
    elif kind == "claim":
        which = KeyTime.values[len(incident.title) % len(KeyTime.values)]
        operations.claim_time(incident, which, at or clock.now(), actor=actor)
    elif kind == "choose":
        claim = incident.time_claims.order_by("?")[0]
        operations.choose_time(incident, claim, actor=actor, reason="It fits.")
    elif kind == "edit":
        operations.edit(incident, actor=actor, changes={"title": f"{incident.title[:190]}."})
    else:
        make.do(kind, incident, actor=actor, at=at)


@pytest.mark.usefixtures("no_guards")
@settings(max_examples=30)
@given(steps=st.lists(STEP, max_size=14))
def test_tells_state_and_times(
    checkout: Service, alice: User, bob: User, steps: list[tuple[str, int, int, int | None]]
) -> None:
    actors = [alice, bob, people.system()]
    now = START
    with clock.simulated(now):
        incident = make.incident(service=checkout, actor=bob)
    for kind, who, passed, ago in steps:
        now += datetime.timedelta(minutes=passed)
        at = None if ago is None else now - datetime.timedelta(minutes=ago)
        with clock.simulated(now):
            try:
                with transaction.atomic():
                    step(incident, kind, actors[who], at)
            except DomainError:
                incident = Incident.objects.get(pk=incident.pk)

    stored = Incident.objects.get(pk=incident.pk)
    assert replay(stored) == {"state": stored.state, **stored.times()}
    assert stored.revision == stored.history.count()
    assert (stored.resolved_at is None) == (stored.state in (*OPEN_STATES, State.CANCELLED))
    assert (stored.closed_at is None) == (stored.state != State.CLOSED)
    assert (stored.acknowledged_at is None) == (stored.acknowledged_by is None)
    claims = set(stored.time_claims.values_list("which", "at"))
    known = {(which, at) for which, at in stored.times().items() if at is not None}
    assert known <= claims
