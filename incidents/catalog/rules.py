"""What a service must have, by its tier; and what the verbs on services need. Pure."""

from collections.abc import Mapping
from typing import Any

from django.db.models import TextChoices

from config.access.rules import Level, Need, level
from config.apikit.codes import explain

NEEDS: Mapping[str, Need] = {
    "view": level(Level.VIEW),
    "open_incident": level(Level.RESPOND),
    "edit": level(Level.MANAGE),
    "override_scope": level(Level.MANAGE),
    "end_scope_override": level(Level.MANAGE),
}
TEAM_NEEDS: Mapping[str, Need] = {
    "open_incident": level(Level.RESPOND),
    "add_service": level(Level.MANAGE),
}
UNIT_NEEDS: Mapping[str, Need] = {"add_function": level(Level.MANAGE)}
FUNCTION_NEEDS: Mapping[str, Need] = {"view": level(Level.VIEW), "edit": level(Level.MANAGE)}


class ServiceStatus(TextChoices):
    """Where a service is in its life."""

    PLANNED = "planned", "Planned"
    LIVE = "live", "Live"
    RETIRED = "retired", "Retired"


class BusinessImpact(TextChoices):
    """What losing the service would mean to the business."""

    CRITICAL = "critical", "Critical"
    HIGH = "high", "High"
    MEDIUM = "medium", "Medium"
    LOW = "low", "Low"


class DataClass(TextChoices):
    """Classes of data, the most harmless first."""

    PUBLIC = "public", "Public"
    INTERNAL = "internal", "Internal"
    CONFIDENTIAL = "confidential", "Confidential"
    PERSONAL = "personal", "Personal"
    SPECIAL = "special", "Special categories of personal data"
    PAYMENT = "payment", "Payment cards"


class ScopeOverride(TextChoices):
    """What a person decided against the scope rule, for a time."""

    OUT = "out", "Out of scope"
    IN = "in", "In scope"
    REPORTABLE = "reportable", "In scope and SLA-reportable"


OVERRIDDEN: Mapping[str, tuple[bool, bool]] = {
    ScopeOverride.OUT: (False, False),
    ScopeOverride.IN: (True, False),
    ScopeOverride.REPORTABLE: (True, True),
}


def missing_fields(*, tier: int | None, rto_minutes: int | None, team: Any) -> dict[str, str]:
    """The fields that this tier needs and that are empty, each with what to do."""
    missing = {}
    if team is None:
        missing["team"] = "Name the team that owns the service."
    if tier == 1 and rto_minutes is None:
        missing["rto_minutes"] = "A tier 1 service needs a recovery time objective (RTO)."
    return missing


explain(
    scope_not_overridden=(
        "The scope of this service isn't overridden",
        "Nothing is left to do: the scope rule decides.",
    ),
)
