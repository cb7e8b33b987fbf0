"""What a service must have, by its tier; and what the verbs on services need. Pure."""

from collections.abc import Mapping
from typing import Any

from config.access.rules import Level, Need, level

NEEDS: Mapping[str, Need] = {
    "view": level(Level.VIEW),
    "open_incident": level(Level.RESPOND),
    "edit": level(Level.MANAGE),
}
TEAM_NEEDS: Mapping[str, Need] = {
    "open_incident": level(Level.RESPOND),
    "add_service": level(Level.MANAGE),
}


def missing_fields(*, tier: int | None, rto_minutes: int | None, team: Any) -> dict[str, str]:
    """The fields that this tier needs and that are empty, each with what to do."""
    missing = {}
    if team is None:
        missing["team"] = "Name the team that owns the service."
    if tier == 1 and rto_minutes is None:
        missing["rto_minutes"] = "A tier 1 service needs a recovery time objective (RTO)."
    return missing
