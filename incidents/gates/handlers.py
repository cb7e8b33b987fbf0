"""What stands against the activation of a template."""

from config.errors import Blocker
from config.events.operations import guard
from incidents.gates.models import IntakeTemplateVersion
from incidents.gates.operations import blockers_of


@guard(f"policy.activate:{IntakeTemplateVersion.policy_kind}")
def intake_stays_fast(version: IntakeTemplateVersion) -> list[Blocker]:
    """Not more is mandatory at the opening than the policy allows, or than can be known."""
    return blockers_of(version)
