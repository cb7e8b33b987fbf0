"""What an escalation policy must have to be activated, and what keeps it from being retired."""

from config.errors import Blocker
from config.events.operations import guard
from config.governance.models import PolicyVersion
from escalation.policies import operations
from escalation.policies.models import EscalationPolicyVersion


@guard("policy.activate:escalation_policy")
def complete(version: PolicyVersion) -> list[Blocker]:
    """Refuse a policy without tiers, without expertise or without a fallback."""
    return operations.activation_blockers(EscalationPolicyVersion.objects.get(pk=version.pk))


@guard("policy.retire:escalation_policy")
def unused(version: PolicyVersion) -> list[Blocker]:
    """Refuse to take away the default, or a policy by which something escalates."""
    return operations.retirement_blockers(EscalationPolicyVersion.objects.get(pk=version.pk))
