"""Opening an incident."""

import datetime
import itertools
from typing import Any

import pytest

from config import clock
from config.errors import Invalid
from config.events.models import Event
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident, KeyTimeClaim, Source
from incidents.lifecycle.operations import open_incident
from incidents.taxonomy.models import Level
from incidents.timeline.models import TimelineEntry
from tests.config import make as people
from tests.incidents import make

NOW = datetime.datetime(2026, 11, 3, 9, 30, tzinfo=datetime.UTC)
EARLIER = NOW - datetime.timedelta(minutes=20)


def test_belongs_to_the_team_and_unit_of_its_service(checkout: Service, bob: User) -> None:
    incident = open_incident(
        title="  Checkout is slow ",
        service=checkout,
        level=Level.CRITICAL,
        actor=bob,
        source=Source.PERSON,
    )

    stored = Incident.objects.get()
    assert stored == incident
    assert stored.title == "Checkout is slow"
    assert (stored.team, stored.unit) == (checkout.team, checkout.team.unit)
    assert (stored.state, stored.severity) == ("new", "SEV1")
    assert stored.reference == f"INC-{stored.number:06d}"


def test_waits_in_the_triage_queue_without_a_service(bob: User) -> None:
    team = make.triage_team()

    incident = open_incident(
        title="Strange mail", service=None, level=Level.ERROR, actor=bob, source=Source.PERSON
    )

    assert (incident.team, incident.unit, incident.service) == (team, team.unit, None)
    assert incident.severity == "SEV3"


@pytest.mark.parametrize(
    ("source", "which"), [(Source.ALERT, "detected"), (Source.PERSON, "reported")]
)
def test_knows_when_it_was_first_seen(
    checkout: Service, bob: User, source: Source, which: str
) -> None:
    with clock.simulated(NOW):
        incident = make.incident(service=checkout, actor=bob, source=source, started_at=EARLIER)

    known = {name: at for name, at in incident.times().items() if at is not None}
    assert known == {"started": EARLIER, which: NOW}
    claims = KeyTimeClaim.objects.filter(incident=incident).values_list("which", "at")
    assert dict(claims) == known


def test_records_one_event_with_one_line(checkout: Service, bob: User) -> None:
    with clock.simulated(NOW):
        incident = make.incident(service=checkout, actor=bob)

    event = Event.objects.get(kind="incident.opened")
    assert (event.subject_id, event.actor) == (incident.pk, bob)
    assert event.data == {
        "to": "new",
        "severity": "SEV2",
        "severity_line": "error-1",
        "engagement": {
            "roles": ["incident_commander", "communications_lead"],
            "has_war_room": False,
            "communication_plan": "major-incident",
            "escalation_policy": "",
            "sla_target_minutes": 480,
            "penalty_clause": "",
        },
        "service_id": checkout.pk,
        "team_id": checkout.team_id,
        "times": {"reported": NOW.isoformat()},
    }
    line = TimelineEntry.objects.get(event=event)
    assert line.text == "Opened as SEV2: Checkout is slow"


def test_skips_references_at_random(checkout: Service, bob: User) -> None:
    numbers = [make.incident(service=checkout, actor=bob).number for _ in range(30)]

    steps = {later - earlier for earlier, later in itertools.pairwise(numbers)}
    assert steps <= {1, 2, 3, 4}
    assert len(steps) > 1


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("title", {"title": "  "}),
        ("title", {"title": "x" * 201}),
        ("level", {"level": "awful"}),
        ("source", {"source": "rumour"}),
        ("at", {"at": NOW + datetime.timedelta(minutes=2)}),
        ("started_at", {"started_at": NOW + datetime.timedelta(minutes=2)}),
        ("detected_at", {"detected_at": datetime.datetime(2026, 11, 1)}),  # noqa: DTZ001
    ],
)
def test_names_the_field_that_is_wrong(
    checkout: Service, bob: User, field: str, wrong: dict[str, Any]
) -> None:
    with clock.simulated(NOW), pytest.raises(Invalid) as refusal:
        make.incident(service=checkout, actor=bob, **wrong)

    assert refusal.value.field == field
    assert not Incident.objects.exists()
    assert not TimelineEntry.objects.exists()


def test_takes_a_clock_that_is_a_little_ahead_for_now(checkout: Service, bob: User) -> None:
    with clock.simulated(NOW):
        ahead = NOW + datetime.timedelta(seconds=50)
        incident = make.incident(service=checkout, actor=bob, started_at=ahead)

    assert incident.started_at == NOW


def test_refuses_a_retired_service(checkout: Service, bob: User) -> None:
    checkout.status = "retired"
    checkout.save_as(people.system(), "status")

    with pytest.raises(Invalid, match="retired") as refusal:
        make.incident(service=checkout, actor=bob)

    assert refusal.value.field == "service"


def test_says_what_is_missing_without_a_triage_team(bob: User) -> None:
    with pytest.raises(Invalid, match="Name a service"):
        open_incident(
            title="Mail", service=None, level=Level.ERROR, actor=bob, source=Source.PERSON
        )
