"""All models of the core, collected for Django."""

from incidents.alerts.models import Alert, IngestSource, RawPayload
from incidents.calendars.models import OpenPeriod, OperatingCalendar
from incidents.catalog.models import BusinessFunction, Service, ServiceRegion
from incidents.cmdb.models import UpdateProposal
from incidents.components.models import Component, Dependency
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
from incidents.scoping.models import ScopeRule, ScopeRuleVersion
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
    "BusinessFunction",
    "Component",
    "Conversion",
    "Dependency",
    "Engagement",
    "FieldDemand",
    "ImpactRule",
    "Incident",
    "IngestSource",
    "IntakeItem",
    "IntakeTemplateVersion",
    "KeyTimeClaim",
    "OpenPeriod",
    "OperatingCalendar",
    "QualificationDecision",
    "QualificationRule",
    "QualificationVersion",
    "RawPayload",
    "ScopeRule",
    "ScopeRuleVersion",
    "Service",
    "ServiceRegion",
    "SeverityCell",
    "SeverityTableVersion",
    "TaxonomyEntry",
    "TaxonomyValue",
    "TaxonomyVersion",
    "TimelineEntry",
    "UpdateProposal",
    "WorkRecord",
]
