"""The routes of the core."""

from incidents.alerts.api import AlertViewSet, PayloadViewSet, SourceViewSet
from incidents.boundaries.api import BoundaryViewSet
from incidents.calendars.api import CalendarViewSet
from incidents.catalog.api import FunctionViewSet
from incidents.cmdb.api import ProposalViewSet
from incidents.components.api import ComponentViewSet, DependencyViewSet, GraphedServiceViewSet
from incidents.gates.api import IntakeTemplateViewSet
from incidents.importing.api import ImportViewSet
from incidents.intake.api import (
    ConversionViewSet,
    ItemViewSet,
    QualificationViewSet,
    WorkViewSet,
)
from incidents.lifecycle.api import ConsolidationViewSet, IncidentViewSet
from incidents.responsibility.api import RaciViewSet, ToolFunctionViewSet
from incidents.scoping.api import ScopeRuleViewSet
from incidents.taxonomy.api import SeverityTableViewSet
from incidents.terms.api import TaxonomyViewSet, ValueViewSet

api_routes = [
    ("severity-tables", SeverityTableViewSet, "severity-table"),
    ("taxonomies", TaxonomyViewSet, "taxonomy"),
    ("taxonomy-values", ValueViewSet, "taxonomy-value"),
    ("intake-templates", IntakeTemplateViewSet, "intake-template"),
    ("qualification-tables", QualificationViewSet, "qualification-table"),
    ("intake-items", ItemViewSet, "intake-item"),
    ("work-records", WorkViewSet, "work-record"),
    ("conversions", ConversionViewSet, "conversion"),
    ("incident-consolidation", ConsolidationViewSet, "incident-consolidation"),
    ("scope-rules", ScopeRuleViewSet, "scope-rule"),
    ("raci-matrices", RaciViewSet, "raci-matrix"),
    ("tool-functions", ToolFunctionViewSet, "tool-function"),
    ("boundaries", BoundaryViewSet, "boundary"),
    ("calendars", CalendarViewSet, "calendar"),
    ("business-functions", FunctionViewSet, "business-function"),
    ("services", GraphedServiceViewSet, "service"),
    ("components", ComponentViewSet, "component"),
    ("dependencies", DependencyViewSet, "dependency"),
    ("cmdb-proposals", ProposalViewSet, "cmdb-proposal"),
    ("catalogue-imports", ImportViewSet, "catalogue-import"),
    ("incidents", IncidentViewSet, "incident"),
    ("alerts", AlertViewSet, "alert"),
    ("ingest-sources", SourceViewSet, "ingest-source"),
    ("ingest-payloads", PayloadViewSet, "ingest-payload"),
]
