"""The routes of the core."""

from incidents.alerts.api import AlertViewSet, PayloadViewSet, SourceViewSet
from incidents.catalog.api import ServiceViewSet
from incidents.gates.api import IntakeTemplateViewSet
from incidents.intake.api import (
    ConversionViewSet,
    ItemViewSet,
    QualificationViewSet,
    WorkViewSet,
)
from incidents.lifecycle.api import ConsolidationViewSet, IncidentViewSet
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
    ("services", ServiceViewSet, "service"),
    ("incident-consolidation", ConsolidationViewSet, "incident-consolidation"),
    ("incidents", IncidentViewSet, "incident"),
    ("alerts", AlertViewSet, "alert"),
    ("ingest-sources", SourceViewSet, "ingest-source"),
    ("ingest-payloads", PayloadViewSet, "ingest-payload"),
]
