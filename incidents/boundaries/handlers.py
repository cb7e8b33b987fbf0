"""What the boundaries must hold before they can be activated."""

from config.errors import Blocker
from config.events.operations import guard
from incidents.boundaries.models import BoundaryVersion
from incidents.boundaries.rules import problems_of


@guard(f"policy.activate:{BoundaryVersion.policy_kind}")
def boundaries_are_complete(version: BoundaryVersion) -> list[Blocker]:
    """Somebody answers for what each kind of component is."""
    return problems_of(set(version.rules.values_list("kind", "layer")))
