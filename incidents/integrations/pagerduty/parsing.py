"""Events of PagerDuty's format. What the door let in has its form; replays are read again."""

import datetime
from collections.abc import Mapping
from typing import Any

from incidents.alerts.adapters import Post, parser
from incidents.alerts.reading import (
    as_object,
    as_text,
    first_text,
    labels,
    lenient_moment,
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
)
from incidents.taxonomy.models import Level

STATUSES = {"trigger": Status.FIRING, "resolve": Status.RESOLVED}
DETAILS_FOR_PEOPLE = ("description", "message", "firing", "details")


@parser("pagerduty")
def parse(post: Post) -> Reading:
    """One event. An acknowledgement by a tool is noted: only people acknowledge."""
    event = load(post.body)
    if not isinstance(event, dict):
        raise Unreadable("An event is an object.")
    action = as_text(event.get("event_action"))
    if action == "acknowledge":
        return Reading([], notes=["An acknowledgement by a tool changes nothing here."])
    key = as_text(event.get("dedup_key"))
    if action not in STATUSES or not key:
        raise Unreadable("An event has an 'event_action' and, but for a trigger, a 'dedup_key'.")
    return Reading([_read_event(event, key, STATUSES[action], post.received_at)])


def _read_event(
    event: Mapping[str, Any], key: str, status: Status, received_at: datetime.datetime
) -> NormalisedAlert:
    payload = as_object(event.get("payload"))
    details = as_object(payload.get("custom_details"))
    stated = lenient_moment(payload.get("timestamp"))
    return NormalisedAlert(
        dedup_key=key,
        title=as_text(payload.get("summary"), TITLE_LENGTH) or as_text(key, TITLE_LENGTH),
        status=status,
        level=level_of(payload.get("severity"), default=Level.ERROR),
        service=first_text(payload.get("component"), details.get("service"), limit=100),
        description=first_text(
            *(details.get(name) for name in DETAILS_FOR_PEOPLE), limit=DESCRIPTION_LENGTH
        ),
        labels=_labels(payload, details),
        links=_links(event),
        starts_at=stated if status == Status.FIRING else None,
        ends_at=(stated or received_at) if status == Status.RESOLVED else None,
    )


def _labels(payload: Mapping[str, Any], details: Mapping[str, Any]) -> Mapping[str, Any]:
    named = {name: payload.get(name) for name in ("source", "component", "group", "class")}
    return labels({**{name: value for name, value in named.items() if value}, **details})


def _links(event: Mapping[str, Any]) -> list[dict[str, str]]:
    found = link(event.get("client_url"), as_text(event.get("client"), 100) or "Sender")
    for name, label in (("links", "text"), ("images", "alt")):
        listed = event.get(name)
        for each in listed[:50] if isinstance(listed, list) else []:
            stated = as_object(each)
            href = stated.get("href") or stated.get("src")
            found += link(href, as_text(stated.get(label), 200))
    return found
