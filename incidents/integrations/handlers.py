"""Loads every tool's parsers, doors and guides, so that they register."""

from incidents.integrations.alertmanager import guides as alertmanager_guides
from incidents.integrations.alertmanager import parsing as alertmanager
from incidents.integrations.generic import guides as generic_guides
from incidents.integrations.generic import parsing as generic
from incidents.integrations.grafana import guides as grafana_guides
from incidents.integrations.grafana import parsing as grafana
from incidents.integrations.opsgenie import door as opsgenie_door
from incidents.integrations.opsgenie import guides as opsgenie_guides
from incidents.integrations.opsgenie import parsing as opsgenie
from incidents.integrations.pagerduty import door as pagerduty_door
from incidents.integrations.pagerduty import guides as pagerduty_guides
from incidents.integrations.pagerduty import parsing as pagerduty

TOOLS = (
    alertmanager, alertmanager_guides, generic, generic_guides, grafana, grafana_guides,
    opsgenie, opsgenie_door, opsgenie_guides, pagerduty, pagerduty_door, pagerduty_guides,
)  # fmt: skip
