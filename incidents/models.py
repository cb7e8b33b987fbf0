"""All models of the core, collected for Django."""

from incidents.alerts.models import Alert, IngestSource, RawPayload
from incidents.catalog.models import Service
from incidents.gates.models import FieldDemand, IntakeTemplateVersion
from incidents.intake.models import (
    Conversion,
    IntakeItem,
    QualificationDecision,
    QualificationRule,
    QualificationVersion,
    WorkRecord,
)
from incidents.lifecycle.models import Incident, KeyTimeClaim
from incidents.taxonomy.models import (
    Engagement,
    ImpactRule,
    SeverityCell,
    SeverityTableVersion,
)
from incidents.terms.models import TaxonomyEntry, TaxonomyValue, TaxonomyVersion
from incidents.timeline.models import TimelineEntry

__all__ = [
    "Alert",
    "Conversion",
    "Engagement",
    "FieldDemand",
    "ImpactRule",
    "Incident",
    "IngestSource",
    "IntakeItem",
    "IntakeTemplateVersion",
    "KeyTimeClaim",
    "QualificationDecision",
    "QualificationRule",
    "QualificationVersion",
    "RawPayload",
    "Service",
    "SeverityCell",
    "SeverityTableVersion",
    "TaxonomyEntry",
    "TaxonomyValue",
    "TaxonomyVersion",
    "TimelineEntry",
    "WorkRecord",
]
