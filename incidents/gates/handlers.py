"""What stands against the activation of a template, and what a unit's must keep."""

from typing import Any

from config.errors import Blocker
from config.events.operations import guard, provides
from config.governance.models import Policy
from incidents.gates.models import IntakeTemplateVersion
from incidents.gates.operations import blockers_of, first_demands, loosened


@guard(f"policy.activate:{IntakeTemplateVersion.policy_kind}")
def intake_stays_fast(version: IntakeTemplateVersion) -> list[Blocker]:
    """Not more is mandatory at the opening than the policy allows, or than can be known."""
    return blockers_of(version)


@guard(f"policy.beyond:{IntakeTemplateVersion.policy_kind}")
def unit_demands_as_much(version: IntakeTemplateVersion) -> list[Blocker]:
    """Whatever a unit is free to do: what the enterprise demands stays mandatory, as strictly."""
    return loosened(version)


@provides(f"policy.first_rows:{IntakeTemplateVersion.policy_kind}")
def begins_with_what_it_must_keep(*, policy: Policy) -> dict[str, Any]:
    """The enterprise's demands, so that a unit adds to them."""
    return {"demands": first_demands(policy)}
