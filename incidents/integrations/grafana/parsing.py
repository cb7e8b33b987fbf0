"""Grafana's webhook: Alertmanager's shape with links of its own."""

from collections.abc import Mapping
from typing import Any

from incidents.alerts.adapters import Post, parser
from incidents.alerts.reading import link
from incidents.alerts.rules import Reading
from incidents.integrations.alertmanager.parsing import links_of, read_notification


@parser("grafana")
def parse(post: Post) -> Reading:
    """The alerts of a notification."""
    return read_notification(post.body, _links)


def _links(entry: Mapping[str, Any], notes: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        *links_of(entry, notes),
        *link(entry.get("panelURL"), "Panel"),
        *link(entry.get("dashboardURL"), "Dashboard"),
        *link(entry.get("imageURL"), "Image"),
        *link(entry.get("silenceURL"), "Silence it"),
    ]
