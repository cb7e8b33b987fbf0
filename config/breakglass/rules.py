"""Who may do what about a break-glass access, and what its refusals mean."""

import datetime
from collections.abc import Mapping

from config.access.rules import Need, Role, owner, roles
from config.apikit.codes import explain

REVIEWERS = (Role.COMPLIANCE_OFFICER,)
REVIEW_WITHIN = datetime.timedelta(hours=24)
VERBS: Mapping[str, Need] = {
    "view": owner("person_id", *REVIEWERS),
    "end": owner("person_id", *REVIEWERS),
    "review": roles(*REVIEWERS),
}

explain(
    breakglass_not_needed=("You can open this record anyhow", "Open it as any other."),
    breakglass_over=("The access has ended already", "Nothing is left to do."),
    breakglass_running=(
        "The access has not ended yet",
        "Review it once it has; or end it first.",
    ),
    breakglass_reviewed=("The access was reviewed already", "Nothing is left to do."),
)
