"""All admin pages of the core, collected for Django."""

from incidents.alerts import admin as alerts
from incidents.catalog import admin as catalog
from incidents.gates import admin as gates
from incidents.intake import admin as intake
from incidents.lifecycle import admin as lifecycle
from incidents.taxonomy import admin as taxonomy
from incidents.terms import admin as terms
from incidents.timeline import admin as timeline

__all__ = ["alerts", "catalog", "gates", "intake", "lifecycle", "taxonomy", "terms", "timeline"]
