"""Reopening."""

import datetime

import pytest

from config import clock
from config.errors import Refused
from config.organisation.models import User
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import close, reopen, resolve
from incidents.lifecycle.operations.options import Options

DAYS = datetime.timedelta(days=7)

pytestmark = pytest.mark.usefixtures("no_guards")


def test_goes_on_with_the_same_record_and_clock(incident: Incident, alice: User) -> None:
    reported = incident.reported_at
    resolve(incident, actor=alice)
    resolved = incident.resolved_at
    close(incident, actor=alice)

    reopen(incident, actor=alice, reason="It is back.")

    stored = Incident.objects.get()
    assert (stored.state, stored.reopened_count) == ("investigating", 1)
    assert (stored.reported_at, stored.resolved_at, stored.closed_at) == (reported, None, None)
    assert stored.restored_at is None
    assert stored.time_claims.get(which="resolved").at == resolved
    assert stored.history.first().history_change_reason == "It is back."


def test_counts_the_days_from_the_resolution_not_the_closure(
    incident: Incident, alice: User
) -> None:
    resolve(incident, actor=alice)
    assert incident.resolved_at is not None
    with clock.simulated(incident.resolved_at + datetime.timedelta(days=6)):
        close(incident, actor=alice)
    late = incident.resolved_at + DAYS + datetime.timedelta(seconds=1)

    with clock.simulated(late), pytest.raises(Refused) as refusal:
        reopen(incident, actor=alice, reason="It is back.")

    assert refusal.value.public_code == "reopen_too_late"
    assert Incident.objects.get().state == "closed"


def test_is_possible_up_to_the_last_instant(incident: Incident, alice: User) -> None:
    resolve(incident, actor=alice)
    assert incident.resolved_at is not None

    with clock.simulated(incident.resolved_at + DAYS):
        reopen(incident, actor=alice, reason="It is back.")

    assert incident.state == "investigating"


def test_is_offered_only_while_it_is_possible(incident: Incident, alice: User) -> None:
    resolve(incident, actor=alice)
    assert incident.resolved_at is not None

    assert "reopen" in Options(alice).verbs(incident)
    with clock.simulated(incident.resolved_at + DAYS + datetime.timedelta(seconds=1)):
        assert "reopen" not in Options(alice).verbs(incident)
