"""The one matrix: its key, its bounds, what it is shipped with. Pure."""

from typing import Any

from config.access.rules import Role
from config.apikit.codes import explain
from config.governance.rules import UNDER_RULES

MATRIX_KEY = "default"
MATRIX_TITLE = "Approval matrix"
MOST_PEOPLE = 5
EVERY_OTHER = "Every other kind"
# Who may be asked for an approval: auditors and tools decide nothing.
ROLE_CHOICES = [(role.value, str(role.label)) for role in UNDER_RULES]


def in_order(names: list[str]) -> list[str]:
    """Each role once, in the order of the product: the same choice is the same content."""
    return [role.value for role in Role if role in names]


def shipped_demands() -> list[dict[str, Any]]:
    """The rows of the first version: one policy approver, whatever the kind."""
    return [{"line": "every-other", "kind": "", "people": 1, "roles": []}]


explain(
    approval_matrix_needed=(
        "The approval matrix can't end without another one",
        "Begin a new draft and activate that; it follows the one in force.",
    ),
    approval_matrix_of_enterprise=(
        "The approval matrix holds for the whole enterprise",
        "Propose the change for the enterprise, without a unit.",
    ),
    approval_demand_unique=(
        "The matrix says already what this kind needs",
        "Leave one of the two rows out.",
    ),
    approval_demand_people=(
        "One to five people approve a policy",
        "Choose a number from 1 to 5.",
    ),
    approval_unattainable=(
        "More is demanded than there are people who could approve",
        "Give the roles that are named first, or demand less.",
    ),
)
