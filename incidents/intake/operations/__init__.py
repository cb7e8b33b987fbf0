"""Taking reports in, qualifying them, and turning them into the record that goes on."""

from incidents.intake.operations.converting import (
    convert,
    convert_incident,
    join_incident,
)
from incidents.intake.operations.deciding import seed_qualification
from incidents.intake.operations.reporting import hand_over, override, qualify, report

__all__ = [
    "convert",
    "convert_incident",
    "hand_over",
    "join_incident",
    "override",
    "qualify",
    "report",
    "seed_qualification",
]
