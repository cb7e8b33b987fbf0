"""All models of the core, collected for Django."""

from incidents.alerts.models import Alert, IngestSource, RawPayload
from incidents.boundaries.models import BoundaryRule, BoundaryVersion
from incidents.calendars.models import OpenPeriod, OperatingCalendar
from incidents.catalog.models import BusinessFunction, Service, ServiceRegion
from incidents.cmdb.models import UpdateProposal
from incidents.components.models import Component, Dependency
from incidents.gates.models import FieldDemand, IntakeTemplateVersion
from incidents.importing.models import CatalogueImport
from incidents.intake.models import (
    Conversion,
    IntakeItem,
    QualificationDecision,
    QualificationRule,
    QualificationVersion,
    WorkRecord,
)
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
from incidents.responsibility.models import RaciAssignment, RaciVersion, ToolFunction
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
    "AffectedComponent",
    "Alert",
    "BoundaryRule",
    "BoundaryVersion",
    "BusinessFunction",
    "CatalogueImport",
    "Component",
    "Conversion",
    "Dependency",
    "Engagement",
    "FieldDemand",
    "ImpactRule",
    "Incident",
    "IncidentEngagement",
    "IncidentLink",
    "IngestSource",
    "IntakeItem",
    "IntakeTemplateVersion",
    "KeyTimeClaim",
    "OpenPeriod",
    "OperatingCalendar",
    "ProvisionalSeverity",
    "QualificationDecision",
    "QualificationRule",
    "QualificationVersion",
    "RaciAssignment",
    "RaciVersion",
    "RawPayload",
    "ScopeRule",
    "ScopeRuleVersion",
    "Service",
    "ServiceRegion",
    "SeverityCell",
    "SeverityChange",
    "SeverityDecision",
    "SeverityTableVersion",
    "TaxonomyEntry",
    "TaxonomyValue",
    "TaxonomyVersion",
    "TimelineEntry",
    "ToolFunction",
    "UpdateProposal",
    "WorkRecord",
]
