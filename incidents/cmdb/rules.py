"""Kinds of proposals and their life. Pure."""

from collections.abc import Mapping

from django.db.models import TextChoices

from config.access.rules import Level, Need, level
from config.apikit.codes import explain

NEEDS: Mapping[str, Need] = {
    "view": Need(level=Level.VIEW, owner="proposed_by_id"),
    "accept": level(Level.MANAGE),
    "reject": level(Level.MANAGE),
}
INCIDENT_NEEDS: Mapping[str, Need] = {"propose_update": level(Level.RESPOND)}


class UpdateKind(TextChoices):
    """What is wrong with the catalogue."""

    NEW_DEPENDENCY = "new_dependency", "A dependency is missing"
    WRONG_OWNER = "wrong_owner", "The owner is wrong"
    RETIRED = "retired", "It is retired"


class ProposalState(TextChoices):
    """Where a proposal stands."""

    OPEN = "open", "Open"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"


explain(
    proposal_decided=("The proposal was decided already", "Nothing is left to do."),
    proposal_own=(
        "Nobody accepts a proposal of their own",
        "Let another owner of the item decide.",
    ),
)
