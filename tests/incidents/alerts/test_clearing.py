"""What resolves do: the hold, flaps, parts of a group, and how incidents end."""

import datetime
from typing import Any

import pytest

from config import clock
from config.due.models import Timer
from config.governance.in_force import setting
from incidents.alerts import clearing
from incidents.alerts.handlers import hold_ended
from incidents.alerts.models import Alert
from incidents.catalog.models import Service
from incidents.lifecycle import operations as lifecycle
from incidents.lifecycle.models import Incident
from incidents.lifecycle.rules import State
from tests.incidents.alerts import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def no_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_hold(key: str, **where: Any) -> Any:
        return 0 if key == "alerts.resolve_hold_seconds" else setting(key, **where)

    monkeypatch.setattr(clearing, "setting", without_hold)


def end_holds() -> None:
    """Do what the worker does with the timers that are due."""
    for timer in Timer.objects.filter(kind="alerts.resolve_hold", done_at=None).order_by("due_at"):
        with clock.simulated(timer.due_at):
            root = clearing.lock_held(timer)
            Timer.objects.filter(pk=timer.pk).update(done_at=clock.now())
            hold_ended(timer, root)


def test_waits_for_the_hold_before_it_resolves(tracking: Service):
    source = make.source(service=tracking)
    make.received(source, make.firing(level="warning"))

    row = make.received(source, make.resolved())

    alert, timer = make.only_alert(), Timer.objects.get(kind="alerts.resolve_hold")
    assert make.effects(row) == ["cleared"]
    assert alert.state == "firing"
    assert alert.resolve_pending_at == timer.due_at
    assert make.only_incident().state == State.NEW


def test_resolves_a_mild_incident_by_itself_after_the_hold(tracking: Service):
    source = make.source(service=tracking)
    ended = clock.now() - datetime.timedelta(minutes=5)
    began = ended - datetime.timedelta(minutes=25)
    make.received(source, make.firing(level="warning", starts_at=began.isoformat()))
    make.received(source, make.resolved(ends_at=ended.isoformat()))

    end_holds()

    incident, alert = make.only_incident(), make.only_alert()
    assert incident.severity in ("SEV3", "SEV4")
    assert incident.state == State.RESOLVED
    assert (incident.started_at, incident.resolved_at) == (began, ended)
    assert (alert.state, alert.resolve_pending_at) == ("resolved", None)
    assert alert.lasted == datetime.timedelta(minutes=25)


def test_leaves_a_severe_incident_to_a_person(checkout: Service):
    source = make.source(service=checkout)
    make.received(source, make.firing(level="critical"))
    make.received(source, make.resolved())

    end_holds()

    incident = make.only_incident()
    assert incident.severity in ("SEV1", "SEV2")
    assert incident.state == State.MONITORING
    assert incident.resolved_at is None


def test_takes_a_flap_inside_the_hold_for_one_alert(tracking: Service):
    source = make.source(service=tracking)
    make.received(source, make.firing())
    make.received(source, make.resolved())

    row = make.received(source, make.firing())
    end_holds()

    alert = make.only_alert()
    assert make.effects(row) == ["attached"]
    assert (alert.state, alert.count, alert.resolve_pending_at) == ("firing", 2, None)
    assert alert.ends_at is None
    assert make.only_incident().state == State.NEW


def test_does_not_put_off_the_end_when_the_resolve_repeats(tracking: Service):
    source = make.source(service=tracking)
    make.received(source, make.firing())
    make.received(source, make.resolved())
    due_at = make.only_alert().resolve_pending_at

    row = make.received(source, make.resolved())

    assert make.effects(row) == ["ignored"]
    assert make.only_alert().resolve_pending_at == due_at


def test_says_how_many_of_a_group_have_cleared(tracking: Service, no_hold: None):
    source = make.source("alertmanager", service=tracking)
    make.received(source, make.group(*(make.member(name) for name in "abc")))

    row = make.received(
        source, make.group(make.member("a", "resolved"), make.member("b"), make.member("c"))
    )

    incident = make.only_incident()
    assert make.effects(row) == ["resolved", "attached", "attached"]
    assert incident.state == State.NEW
    assert make.lines(incident)[-1] == "1 of 3 alerts cleared."


def test_resolves_when_the_last_of_a_group_has_cleared(tracking: Service, no_hold: None):
    source = make.source("alertmanager", service=tracking)
    make.received(source, make.group(make.member("a"), make.member("b")))
    make.received(source, make.group(make.member("a", "resolved"), make.member("b")))

    make.received(source, make.group(make.member("b", "resolved")))

    assert make.only_incident().state == State.RESOLVED
    assert not Alert.objects.firing().exists()


def test_resolves_a_whole_group_with_one_step_after_the_hold(tracking: Service):
    source = make.source("alertmanager", service=tracking)
    names = "abcde"
    make.received(source, make.group(*(make.member(name) for name in names)))
    make.received(source, make.group(*(make.member(name, "resolved") for name in names)))
    before = len(make.lines(make.only_incident()))

    end_holds()

    incident = make.only_incident()
    assert incident.state == State.RESOLVED
    assert len(make.lines(incident)) == before + 1


def test_opens_and_clears_what_began_and_ended_in_one_batch(tracking: Service):
    source = make.source(service=tracking)

    row = make.received(source, [make.firing(), make.resolved()])

    assert make.effects(row) == ["opened", "cleared"]
    assert make.only_alert().resolve_pending_at is not None


def test_does_not_touch_an_incident_that_a_person_has_ended(tracking: Service):
    source = make.source(service=tracking)
    make.received(source, make.firing())
    make.received(source, make.resolved())
    incident = make.only_incident()
    lifecycle.cancel(incident, actor=source.account, reason="false alarm")

    end_holds()

    assert Incident.objects.get().state == State.CANCELLED
    assert make.only_alert().state == "resolved"


def test_believes_no_end_before_the_beginning(tracking: Service, no_hold: None):
    source = make.source(service=tracking)
    began = clock.now() - datetime.timedelta(minutes=5)
    make.received(source, make.firing(starts_at=began.isoformat()))
    early = began - datetime.timedelta(hours=1)

    row = make.received(source, make.resolved(ends_at=early.isoformat()))

    assert make.only_alert().ends_at == row.received_at
    assert make.only_incident().state == State.RESOLVED
