"""What a RACI matrix must hold before it can be activated."""

from config.errors import Blocker
from config.events.operations import guard
from incidents.responsibility.models import RaciVersion
from incidents.responsibility.rules import problems_of


@guard(f"policy.activate:{RaciVersion.policy_kind}")
def matrix_is_complete(version: RaciVersion) -> list[Blocker]:
    """Every activity has exactly one Accountable and at least one Responsible."""
    return problems_of(version.assignments.values_list("activity", "letter"))
