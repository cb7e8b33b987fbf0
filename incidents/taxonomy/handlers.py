"""What a severity table must hold before it can be activated."""

from config.errors import Blocker
from config.events.operations import guard
from incidents.taxonomy.models import SeverityTableVersion
from incidents.taxonomy.operations import cells_of
from incidents.taxonomy.rules import problems_of


@guard(f"policy.activate:{SeverityTableVersion.policy_kind}")
def table_is_complete(version: SeverityTableVersion) -> list[Blocker]:
    """Every level on every tier has a severity, and the worst case brings a person at once."""
    return problems_of(cells_of(version))
