"""Incidents in the admin: the list, the page with its timeline, and the cards of the home page."""

from incidents.lifecycle.admin import home, weekly
from incidents.lifecycle.admin.incident import IncidentAdmin

__all__ = ["IncidentAdmin", "home", "weekly"]
