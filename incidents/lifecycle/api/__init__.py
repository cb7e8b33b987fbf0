"""Incidents over HTTP."""

from incidents.lifecycle.api.incidents import IncidentViewSet

__all__ = ["IncidentViewSet"]
