"""The routes of the core."""

from incidents.alerts.api import AlertViewSet, PayloadViewSet, SourceViewSet
from incidents.catalog.api import ServiceViewSet
from incidents.lifecycle.api import IncidentViewSet
from incidents.taxonomy.api import SeverityTableViewSet

api_routes = [
    ("severity-tables", SeverityTableViewSet, "severity-table"),
    ("services", ServiceViewSet, "service"),
    ("incidents", IncidentViewSet, "incident"),
    ("alerts", AlertViewSet, "alert"),
    ("ingest-sources", SourceViewSet, "ingest-source"),
    ("ingest-payloads", PayloadViewSet, "ingest-payload"),
]
