"""The incident with its key times; its severity; what of it works and what does not."""

from incidents.lifecycle.models.components import (
    AffectedComponent,
    ComponentState,
    IncidentLink,
    LinkKind,
)
from incidents.lifecycle.models.incident import (
    Incident,
    IncidentQuerySet,
    KeyTime,
    KeyTimeClaim,
    KeyTimeClaimQuerySet,
    Source,
)
from incidents.lifecycle.models.severity import (
    ChangeReason,
    IncidentEngagement,
    ProvisionalOutcome,
    ProvisionalSeverity,
    SeverityChange,
    SeverityDecision,
    Verdict,
)

__all__ = [
    "AffectedComponent",
    "ChangeReason",
    "ComponentState",
    "Incident",
    "IncidentEngagement",
    "IncidentLink",
    "IncidentQuerySet",
    "KeyTime",
    "KeyTimeClaim",
    "KeyTimeClaimQuerySet",
    "LinkKind",
    "ProvisionalOutcome",
    "ProvisionalSeverity",
    "SeverityChange",
    "SeverityDecision",
    "Source",
    "Verdict",
]
