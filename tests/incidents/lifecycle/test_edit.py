"""Editing an incident."""

import pytest

from config.errors import Invalid, NotAllowed, Stale
from config.events.models import Event
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import acknowledge, edit, let_in


def test_records_what_differs(incident: Incident, bob: User) -> None:
    edit(incident, actor=bob, changes={"title": " Slow ", "description": ""}, reason="clearer")

    assert Incident.objects.get().title == "Slow"
    event = Event.objects.get(kind="incident.edited")
    assert event.data["changes"] == [{"field": "title", "old": "Checkout is slow", "new": "Slow"}]
    row = incident.history.first()
    assert (row.history_user, row.history_change_reason) == (bob, "clearer")


def test_records_nothing_where_nothing_differs(incident: Incident, bob: User) -> None:
    edit(incident, actor=bob, changes={"title": incident.title})

    assert Incident.objects.get().revision == 1
    assert not Event.objects.filter(kind="incident.edited").exists()


def test_follows_the_service(incident: Incident, bob: User, tracking: Service) -> None:
    edit(incident, actor=bob, changes={"service": tracking}, reason="It is theirs.")

    stored = Incident.objects.get()
    assert (stored.team, stored.unit) == (tracking.team, tracking.team.unit)
    assert stored.severity == "SEV3"  # error on tier 3, where tier 1 had made it SEV2


def test_keeps_a_team_that_is_named(incident: Incident, bob: User, tracking: Service) -> None:
    team = incident.team

    edit(incident, actor=bob, changes={"service": tracking, "team": team}, reason="ours")

    assert Incident.objects.get().team == team


def test_computes_the_severity_of_a_new_level(incident: Incident, bob: User) -> None:
    edit(incident, actor=bob, changes={"level": "critical"})

    assert Incident.objects.get().severity == "SEV1"
    changes = Event.objects.get(kind="incident.edited").data["changes"]
    assert {"field": "severity", "old": "SEV2", "new": "SEV1"} in changes


def test_needs_a_reason_to_lower_the_severity(incident: Incident, bob: User) -> None:
    with pytest.raises(Invalid, match="from SEV2 to SEV3") as refusal:
        edit(incident, actor=bob, changes={"level": "warning"})

    assert refusal.value.field == "reason"
    assert Incident.objects.get().severity == "SEV2"


def test_refuses_what_has_changed_meanwhile(incident: Incident, bob: User, alice: User) -> None:
    seen = incident.revision
    acknowledge(incident, actor=alice)

    with pytest.raises(Stale):
        edit(incident, actor=bob, changes={"title": "Slow"}, revision=seen)

    assert Incident.objects.get().title == "Checkout is slow"


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("title", {"title": ""}),
        ("level", {"level": "awful"}),
        ("team", {"team": None}),
        ("state", {"state": "closed"}),
        ("severity", {"severity": "SEV4"}),
    ],
)
def test_names_the_field_that_is_wrong(
    incident: Incident, bob: User, field: str, changes: dict[str, object]
) -> None:
    with pytest.raises(Invalid) as refusal:
        edit(incident, actor=bob, changes=changes)

    assert refusal.value.field == field
    assert Incident.objects.get().revision == 1


def test_lets_in_whoever_restricts_it_and_whoever_acknowledged(
    incident: Incident, alice: User, bob: User, carol: User
) -> None:
    acknowledge(incident, actor=alice)

    edit(incident, actor=bob, changes={"is_restricted": True}, reason="personnel")

    seen_by = [
        person for person in (alice, bob, carol) if Incident.objects.visible_to(person).exists()
    ]
    assert seen_by == [alice, bob]


def test_is_opened_again_only_by_who_commands_it(
    incident: Incident, alice: User, bob: User
) -> None:
    edit(incident, actor=bob, changes={"is_restricted": True})
    let_in(incident, alice, actor=bob)

    with pytest.raises(NotAllowed):
        edit(incident, actor=bob, changes={"is_restricted": False})
    assert Incident.objects.get().is_restricted
    edit(incident, actor=alice, changes={"is_restricted": False})

    assert not Incident.objects.get().is_restricted


def test_lets_nobody_in_twice(incident: Incident, alice: User, carol: User) -> None:
    assert let_in(incident, carol, actor=alice, reason="asked to look")
    assert not let_in(incident, carol, actor=alice)

    event = Event.objects.get(kind="incident.let_in")
    assert (event.reason, event.data["user_id"]) == ("asked to look", carol.pk)


def test_lets_nobody_in_who_has_left(incident: Incident, alice: User, carol: User) -> None:
    carol.is_active = False
    carol.save_as(alice, "is_active")

    with pytest.raises(Invalid):
        let_in(incident, carol, actor=alice)
