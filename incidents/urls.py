"""The routes of the core."""

from incidents.alerts.api import AlertViewSet, PayloadViewSet, SourceViewSet
from incidents.catalog.api import ServiceViewSet
from incidents.lifecycle.api import ConsolidationViewSet, IncidentViewSet
from incidents.taxonomy.api import SeverityTableViewSet
from incidents.terms.api import TaxonomyViewSet, ValueViewSet

api_routes = [
    ("severity-tables", SeverityTableViewSet, "severity-table"),
    ("taxonomies", TaxonomyViewSet, "taxonomy"),
    ("taxonomy-values", ValueViewSet, "taxonomy-value"),
    ("services", ServiceViewSet, "service"),
    ("incident-consolidation", ConsolidationViewSet, "incident-consolidation"),
    ("incidents", IncidentViewSet, "incident"),
    ("alerts", AlertViewSet, "alert"),
    ("ingest-sources", SourceViewSet, "ingest-source"),
    ("ingest-payloads", PayloadViewSet, "ingest-payload"),
]
