"""All admin pages of the core, collected for Django."""

from incidents.alerts import admin as alerts
from incidents.boundaries import admin as boundaries
from incidents.calendars import admin as calendars
from incidents.catalog import admin as catalog
from incidents.cmdb import admin as cmdb
from incidents.components import admin as components
from incidents.gates import admin as gates
from incidents.importing import admin as importing
from incidents.intake import admin as intake
from incidents.lifecycle import admin as lifecycle
from incidents.responsibility import admin as responsibility
from incidents.scoping import admin as scoping
from incidents.taxonomy import admin as taxonomy
from incidents.terms import admin as terms
from incidents.timeline import admin as timeline

__all__ = [
    "alerts",
    "boundaries",
    "calendars",
    "catalog",
    "cmdb",
    "components",
    "gates",
    "importing",
    "intake",
    "lifecycle",
    "responsibility",
    "scoping",
    "taxonomy",
    "terms",
    "timeline",
]
