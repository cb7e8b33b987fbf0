"""Claims of key times."""

import datetime

import pytest

from config import clock
from config.errors import Invalid, Refused
from config.events.models import Event
from config.organisation.models import User
from incidents.lifecycle.models import Incident, KeyTimeClaim
from incidents.lifecycle.operations import choose_time, claim_time, resolve
from tests.incidents import make

MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def now() -> datetime.datetime:
    return clock.now()


def test_counts_the_first_claim_and_keeps_the_second(incident: Incident, bob: User, now) -> None:
    telemetry = claim_time(incident, "started", now - 17 * MINUTE, actor=bob, source="telemetry")
    report = claim_time(incident, "started", now, actor=bob, source="customer")

    stored = Incident.objects.get()
    assert stored.started_at == now - 17 * MINUTE
    assert list(stored.time_claims.filter(which="started").order_by("id")) == [telemetry, report]
    assert (telemetry.is_effective, report.is_effective) == (True, False)


def test_needs_a_reason_to_count_another(incident: Incident, bob: User, alice: User, now) -> None:
    claim_time(incident, "started", now, actor=bob, source="customer")
    telemetry = claim_time(incident, "started", now - 17 * MINUTE, actor=bob, source="telemetry")

    with pytest.raises(Invalid) as refusal:
        choose_time(incident, telemetry, actor=alice)
    assert refusal.value.field == "reason"
    assert Incident.objects.get().started_at == now
    choose_time(incident, telemetry, actor=alice, reason="The graph shows it.")

    assert Incident.objects.get().started_at == now - 17 * MINUTE
    event = Event.objects.get(kind="incident.time_chosen")
    assert (event.actor, event.reason) == (alice, "The graph shows it.")
    assert event.data["claim_id"] == telemetry.pk


def test_records_nothing_when_it_counts_already(incident: Incident, alice: User, now) -> None:
    claim = claim_time(incident, "started", now - MINUTE, actor=alice)

    assert choose_time(incident, claim, actor=alice) is None

    assert not Event.objects.filter(kind="incident.time_chosen").exists()


@pytest.mark.parametrize("which", ["acknowledged", "resolved", "closed"])
def test_leaves_to_verbs_what_verbs_reach(incident: Incident, alice: User, now, which: str) -> None:
    claim = claim_time(incident, which, now, actor=alice)

    with pytest.raises(Refused) as refusal:
        choose_time(incident, claim, actor=alice, reason="I know it.")

    assert refusal.value.public_code == "time_not_reached"
    assert Incident.objects.get().times()[which] is None


def test_refuses_times_that_contradict_each_other(checkout, alice: User, now) -> None:
    incident = make.incident(service=checkout, started_at=now - 10 * MINUTE)
    resolve(incident, actor=alice, at=now - 5 * MINUTE)
    claim = claim_time(incident, "started", now - MINUTE, actor=alice)

    with pytest.raises(Refused) as refusal:
        choose_time(incident, claim, actor=alice, reason="The graph shows it.")

    assert refusal.value.public_code == "time_order"
    assert Incident.objects.get().started_at == now - 10 * MINUTE


def test_keeps_a_claim_that_contradicts_without_letting_it_count(
    incident: Incident, alice: User, now
) -> None:
    resolve(incident, actor=alice, at=now - 5 * MINUTE)

    claim_time(incident, "started", now, actor=alice)

    assert Incident.objects.get().started_at is None
    assert KeyTimeClaim.objects.filter(which="started").count() == 1


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("which", {"which": "imagined"}),
        ("reliability", {"reliability": "certain"}),
        ("source", {"source": "x" * 81}),
    ],
)
def test_names_the_field_that_is_wrong(
    incident: Incident, alice: User, now, field: str, wrong: dict[str, str]
) -> None:
    which = wrong.pop("which", "started")

    with pytest.raises(Invalid) as refusal:
        claim_time(incident, which, now, actor=alice, **wrong)

    assert refusal.value.field == field


def test_refuses_a_claim_about_the_future(incident: Incident, alice: User, now) -> None:
    with pytest.raises(Invalid, match="future"):
        claim_time(incident, "started", now + 2 * MINUTE, actor=alice)


def test_refuses_the_claim_of_another_incident(incident, checkout, alice: User, now) -> None:
    other = make.incident(service=checkout)
    claim = claim_time(other, "started", now, actor=alice)

    with pytest.raises(Invalid, match="another incident"):
        choose_time(incident, claim, actor=alice)
