"""Opsgenie's addresses: the alert and what is to be done with it stand in the path."""

from dataclasses import dataclass
from urllib.parse import unquote

from incidents.alerts.reading import as_text, storable

ALERTS = "/v2/alerts"
REQUESTS = "requests"


@dataclass(frozen=True, slots=True)
class Place:
    """`/v2/alerts/<name>/<action>`, decoded; both are empty for `/v2/alerts` itself.

    Whatever `identifierType` says, the name is the alias: our answers give no other id.
    """

    name: str = ""
    action: str = ""


def place_of(path: str) -> Place:
    """What a path as it was sent, with or without its query, is about."""
    steps = path.partition("?")[0].removeprefix(ALERTS).strip("/").split("/")
    name, action = (as_text(storable(unquote(step))) for step in [*steps, ""][:2])
    return Place(name, action.lower())
