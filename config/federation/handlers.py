"""What units may do takes effect; central units get no policies of their own."""

from config.errors import Blocker
from config.events.models import Event
from config.events.operations import guard, within
from config.federation.models import FreedomVersion, OperatingModelVersion
from config.federation.operations import give_freedom, owns_policies
from config.governance.models import Policy, PolicyVersion


@guard("policy.of_unit")
def enterprise_owns_policies(policy: Policy) -> list[Blocker]:
    """Asked when a unit begins a policy of its own."""
    if policy.unit is None or policy.kind == OperatingModelVersion.policy_kind:
        return []
    if owns_policies(policy.unit):
        return []
    return [
        Blocker(
            "policy_locked",
            f"{policy.unit} is run centrally: its policies are the enterprise's. Propose the "
            "change for the enterprise, or another operating model.",
        )
    ]


@guard("policy.activate")
def still_owns_policies(version: PolicyVersion) -> list[Blocker]:
    """The model may have changed since the draft was begun."""
    return enterprise_owns_policies(version.policy)


@within("policy.activated")
def freedom_takes_effect(event: Event) -> None:
    """At once: whoever reads the policy next must find it."""
    if event.subject_type == FreedomVersion._meta.label_lower:
        give_freedom(event.about(FreedomVersion), actor=event.actor)


@guard(f"policy.retire:{FreedomVersion.policy_kind}")
def freedom_is_always_said(version: FreedomVersion) -> list[Blocker]:
    """Retired, it would go on without anybody who said so."""
    return [Blocker("freedom_needed", "Activate another version instead; it follows this one.")]
