"""All models of the core, collected for Django."""

from incidents.alerts.models import Alert, IngestSource, RawPayload
from incidents.catalog.models import Service
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
    "Engagement",
    "ImpactRule",
    "Incident",
    "IngestSource",
    "KeyTimeClaim",
    "RawPayload",
    "Service",
    "SeverityCell",
    "SeverityTableVersion",
    "TaxonomyEntry",
    "TaxonomyValue",
    "TaxonomyVersion",
    "TimelineEntry",
]
