"""Quarters, who may read and answer feedback, and what stands against closing a review. Pure."""

import datetime

from config.access.rules import Need, Role, owner, roles
from config.apikit.codes import explain

# Those who answer for the rules; who gave feedback sees their own.
GOVERNORS = (Role.POLICY_AUTHOR, Role.POLICY_APPROVER, Role.COMPLIANCE_OFFICER)
# Whoever works under rules, or depends on them: auditors write nothing but their requests.
VOICES = tuple(each for each in Role if each not in (Role.AUDITOR, Role.INTEGRATOR))
READERS = (*GOVERNORS, Role.AUDITOR)

FEEDBACK_NEEDS: dict[str, Need] = {
    "view": owner("given_by_id", *READERS),
    "decide": roles(*GOVERNORS),
}
REVIEW_NEEDS: dict[str, Need] = {
    "view": roles(*READERS),
    "close": roles(Role.POLICY_APPROVER, Role.COMPLIANCE_OFFICER),
}


def quarter_of(day: datetime.date) -> str:
    """The calendar quarter, such as 2026-Q4; quarters sort by their names."""
    return f"{day.year}-Q{(day.month + 2) // 3}"


explain(
    feedback_answered=(
        "This feedback was answered already",
        "Give new feedback where the answer doesn't do.",
    ),
    feedback_unanswered=(
        "Feedback of this review waits for an answer",
        "Answer each item with what was decided and why; then close the review.",
    ),
    governance_review_closed=(
        "This review is closed",
        "Feedback that comes later goes into the review of the next quarter.",
    ),
    feedback_answered_whole=(
        "An answer names its outcome, its text, who gave it and when",
        "Answer by the verb `decide`.",
    ),
    governance_review_closed_whole=(
        "A closed review names who closed it and when",
        "Close it by the verb `close`.",
    ),
)
