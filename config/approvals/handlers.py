"""Where the matrix is asked: at each approval; and when it can't hold, or end, itself."""

from config.approvals import operations
from config.approvals.models import ApprovalMatrixVersion
from config.errors import Blocker
from config.events.operations import guard, provides
from config.governance.rules import Demands


@provides("policy.demands")
def demands() -> Demands:
    """What the matrix in force demands for each kind."""
    return operations.matrix_in_force()


@guard(f"policy.activate:{ApprovalMatrixVersion.policy_kind}")
def demands_can_be_met(version: ApprovalMatrixVersion) -> list[Blocker]:
    """Else nobody could approve anything any more, a better matrix included."""
    if version.policy.unit_id is not None:
        text = "There is one matrix, for the whole enterprise."
        return [Blocker("approval_matrix_of_enterprise", text)]
    return [
        Blocker("approval_unattainable", each, field="demands")
        for each in operations.unattainable(version)
    ]


@guard(f"policy.retire:{ApprovalMatrixVersion.policy_kind}")
def approval_matrix_is_needed(version: ApprovalMatrixVersion) -> list[Blocker]:
    """Otherwise one person alone could lower what is demanded."""
    text = "Activate another version instead; it follows this one."
    return [Blocker("approval_matrix_needed", text)]
