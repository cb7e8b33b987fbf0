"""Calls of Opsgenie's Alert API. What is to be done stands in the path, the rest in the body."""

from collections.abc import Mapping
from typing import Any

from incidents.alerts.adapters import Post, parser
from incidents.alerts.reading import (
    as_object,
    as_text,
    first_text,
    labels,
    level_of,
    link,
    load,
)
from incidents.alerts.rules import (
    DESCRIPTION_LENGTH,
    TITLE_LENGTH,
    NormalisedAlert,
    Reading,
    Status,
    Unreadable,
    digest,
)
from incidents.integrations.opsgenie.addresses import place_of

MOST_TAGS = 50
# What Opsgenie's clients also call. Who acknowledges, takes over or escalates here is a person,
# and a new text comes with the alert itself, which such clients send again.
NOTED = (
    *("acknowledge", "unacknowledge", "snooze", "escalate", "assign", "responders", "notes"),
    *("message", "description", "priority", "details", "tags", "actions", "attachments"),
)


@parser("opsgenie")
def parse(post: Post) -> Reading:
    """One call: an alert that fires, one that is closed, or something that changes nothing here."""
    place = place_of(post.path)
    if not place.name:
        return Reading([_read_alert(load(post.body))])
    if place.action == "close":
        closed = NormalisedAlert(
            dedup_key=place.name,
            title=as_text(place.name, TITLE_LENGTH),
            status=Status.RESOLVED,
            ends_at=post.received_at,
        )
        return Reading([closed])
    if place.action in NOTED:
        return Reading([], notes=[f"'{place.action}' by a tool changes nothing here."])
    raise Unreadable(f"'{as_text(place.action, 40)}' is nothing that Opsgenie does to an alert.")


def _read_alert(document: Any) -> NormalisedAlert:
    if not isinstance(document, dict):
        raise Unreadable("An alert is an object with a 'message'.")
    title = as_text(document.get("message"), TITLE_LENGTH)
    if not title:
        raise Unreadable("'message' is missing or blank.")
    source, entity = as_text(document.get("source")), as_text(document.get("entity"))
    details = as_object(document.get("details"))
    return NormalisedAlert(
        dedup_key=as_text(document.get("alias")) or digest(title, entity, source),
        title=title,
        level=level_of(document.get("priority"), details.get("severity")),
        service=first_text(details.get("service"), details.get("component"), entity, limit=100),
        description=as_text(document.get("description"), DESCRIPTION_LENGTH),
        labels=_labels(document, details),
        links=[*link(details.get("runbook_url"), "Runbook"), *link(source, "Alerting tool")],
    )


def _labels(document: Mapping[str, Any], details: Mapping[str, Any]) -> Mapping[str, Any]:
    named = {name: as_text(document.get(name)) for name in ("source", "entity")}
    tags = document.get("tags")
    if isinstance(tags, list):
        named["tags"] = ", ".join(filter(None, (as_text(tag, 50) for tag in tags[:MOST_TAGS])))
    return labels({**{name: text for name, text in named.items() if text}, **details})
