"""A unit whose model leaves policies to the enterprise gets none of its own."""

from config.errors import Blocker
from config.events.operations import guard
from config.federation.models import OperatingModelVersion
from config.federation.operations import owns_policies
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
