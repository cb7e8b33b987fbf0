"""Incidents over HTTP."""

from incidents.lifecycle.api.consolidation import ConsolidationViewSet
from incidents.lifecycle.api.incidents import IncidentViewSet

__all__ = ["ConsolidationViewSet", "IncidentViewSet"]
