"""Escalating by hand: the next tier now, with a reason."""

import pytest

from config import clock
from config.due.worker import run_due
from config.errors import Invalid, Refused
from config.organisation.models import User
from escalation.runs import operations
from escalation.runs.models import EscalationRecord, EscalationRun, RunState
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import acknowledge, resolve
from incidents.taxonomy.models import SeverityTableVersion
from incidents.taxonomy.rules import shipped_cells
from tests.config import make as people
from tests.escalation import make
from tests.escalation.make import after
from tests.incidents import make as make_incidents


def act(minutes: float, operation, *arguments, **named):
    with clock.simulated(after(minutes)):
        return operation(*arguments, **named)


def test_pages_the_next_tier_when_a_person_escalates(incident: Incident, alice: User) -> None:
    run_due(after(0))
    act(1, operations.escalate, incident, actor=alice, reason="Customers call.")

    run_due(after(1))

    assert make.paged() == [("bob", 1, 1), ("alice", 2, 1)]
    record = EscalationRecord.objects.get(kind="escalated")
    assert (record.actor, record.reason, record.tier) == (alice, "Customers call.", 1)


def test_pages_again_after_an_acknowledgement_when_a_person_escalates(
    incident: Incident, bob: User
) -> None:
    run_due(after(0))
    act(1, acknowledge, incident, actor=bob)
    act(2, operations.escalate, incident, actor=bob, reason="I need help.")

    run_due(after(2))

    assert make.paged() == [("bob", 1, 1), ("alice", 2, 1)]


@pytest.mark.parametrize("reason", ["", "  "])
def test_refuses_to_escalate_without_a_reason(incident: Incident, alice, reason: str) -> None:
    before = EscalationRecord.objects.count()

    with pytest.raises(Invalid) as refusal:
        operations.escalate(incident, actor=alice, reason=reason)

    assert refusal.value.field == "reason"
    assert EscalationRecord.objects.count() == before


def test_refuses_to_escalate_what_is_over(incident: Incident, alice: User) -> None:
    act(1, resolve, incident, actor=people.system())

    with pytest.raises(Refused) as refusal:
        operations.escalate(incident, actor=alice, reason="Still broken.")

    assert refusal.value.public_code == "incident_not_open"
    assert EscalationRun.objects.get().state == RunState.ENDED


def test_refuses_to_escalate_without_any_policy(checkout: Service, alice: User) -> None:
    incident = make_incidents.incident(service=checkout)

    with pytest.raises(Refused) as refusal:
        operations.escalate(incident, actor=alice, reason="Customers call.")

    assert refusal.value.public_code == "no_escalation_policy"


def test_goes_by_the_policy_that_the_severity_names(
    checkout: Service, alice: User, bob: User
) -> None:
    default = make.policy([make.person_tier(alice)])
    night = make.policy([make.person_tier(bob)], key="night")
    effects = {"line": "sev2", "severity": "SEV2", "escalation_policy": "night"}
    parts = {"cells": shipped_cells(), "engagements": [effects]}
    make.in_force(SeverityTableVersion, "default", parts=parts)

    named = make_incidents.incident(service=checkout, level="error")
    usual = make_incidents.incident(service=checkout, level="warning")

    versions = dict(EscalationRun.objects.values_list("incident", "policy_version"))
    assert versions == {named.pk: night.pk, usual.pk: default.pk}
    resolve(named, actor=bob)
    run = operations.start(named, actor=bob, trigger="again")
    assert run is not None
    assert run.policy_version_id == night.pk
