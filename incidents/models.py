"""All models of the core, collected for Django."""

from incidents.alerts.models import Alert, IngestSource, RawPayload
from incidents.catalog.models import Service
from incidents.lifecycle.models import (
    AffectedComponent,
    Incident,
    IncidentEngagement,
    IncidentLink,
    KeyTimeClaim,
    ProvisionalSeverity,
    SeverityChange,
    SeverityDecision,
)
from incidents.taxonomy.models import (
    Engagement,
    ImpactRule,
    SeverityCell,
    SeverityTableVersion,
)
from incidents.timeline.models import TimelineEntry

__all__ = [
    "AffectedComponent",
    "Alert",
    "Engagement",
    "ImpactRule",
    "Incident",
    "IncidentEngagement",
    "IncidentLink",
    "IngestSource",
    "KeyTimeClaim",
    "ProvisionalSeverity",
    "RawPayload",
    "Service",
    "SeverityCell",
    "SeverityChange",
    "SeverityDecision",
    "SeverityTableVersion",
    "TimelineEntry",
]
