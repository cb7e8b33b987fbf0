"""Alertmanager's webhook: one notification of a group, one entry per alert.

Each alert counts by its own fingerprint and status: the status on top is the group's.
"""

from collections.abc import Callable, Mapping
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
    BadItem,
    NormalisedAlert,
    Reading,
    Status,
    Unreadable,
    digest,
)

MOST = 10_000  # no body of 1 MiB holds as many real ones

type Links = Callable[[Mapping[str, Any], Mapping[str, Any]], list[dict[str, str]]]


@parser("alertmanager")
def parse(post: Post) -> Reading:
    """The alerts of a notification."""
    return read_notification(post.body, links_of)


def read_notification(body: bytes, links: Links) -> Reading:
    """The alerts of a notification in Alertmanager's shape, with the links that the tool gives."""
    document = load(body)
    entries = document.get("alerts") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise Unreadable("An Alertmanager notification is an object with a list 'alerts'.")
    if not entries:
        raise Unreadable("The list 'alerts' is empty.")
    if len(entries) > MOST:
        raise Unreadable(f"The list has {len(entries)} alerts; send at most {MOST:,} at once.")
    found, bad = [], []
    for index, entry in enumerate(entries):
        try:
            found.append(_read_alert(document, entry, links))
        except Unreadable as error:
            bad.append(BadItem(index, str(error)))
    return Reading(found, bad, _notes(document))


def _notes(document: Mapping[str, Any]) -> list[str]:
    missing = document.get("truncatedAlerts")
    if isinstance(missing, int) and missing > 0:
        return [f"The sender left out {missing} alerts (truncatedAlerts): raise its max_alerts."]
    return []


def _read_alert(document: Mapping[str, Any], entry: Any, links: Links) -> NormalisedAlert:
    if not isinstance(entry, dict):
        raise Unreadable("An alert is an object.")
    tags, notes = as_object(entry.get("labels")), as_object(entry.get("annotations"))
    key = as_text(entry.get("fingerprint")) or _key_of(tags)
    return NormalisedAlert(
        dedup_key=key,
        title=_title(tags, notes),
        status=_status(entry.get("status") or document.get("status")),
        level=level_of(tags.get("severity"), tags.get("priority"), tags.get("level")),
        service=first_text(tags.get("service"), tags.get("component"), limit=100),
        description=first_text(
            notes.get("description"), notes.get("message"), limit=DESCRIPTION_LENGTH
        ),
        labels=labels(tags),
        links=links(entry, notes) + link(document.get("externalURL"), "Alerting tool"),
        starts_at=lenient_moment(entry.get("startsAt")),
        ends_at=lenient_moment(entry.get("endsAt")),
        group=as_text(document.get("groupKey")),
    )


def _status(word: Any) -> Status:
    try:
        return Status(as_text(word).lower())
    except ValueError:
        raise Unreadable(
            f"The status is '{as_text(word, 40)}'; it is 'firing' or 'resolved'."
        ) from None


def _key_of(tags: Mapping[str, Any]) -> str:
    if not tags:
        raise Unreadable("The alert has neither a fingerprint nor labels.")
    return digest(*(part for name in sorted(tags) for part in (name, as_text(tags[name]))))


def _title(tags: Mapping[str, Any], notes: Mapping[str, Any]) -> str:
    stated = first_text(notes.get("summary"), notes.get("title"), limit=TITLE_LENGTH)
    name = as_text(tags.get("alertname"), 120) or "Alert"
    where = first_text(tags.get("instance"), tags.get("job"), limit=70)
    return stated or (f"{name} on {where}" if where else name)


def links_of(entry: Mapping[str, Any], notes: Mapping[str, Any]) -> list[dict[str, str]]:
    """Where to look: the expression, and what the rule's author wrote down."""
    return [
        *link(entry.get("generatorURL"), "Expression"),
        *link(notes.get("runbook_url"), "Runbook"),
        *link(first_text(notes.get("dashboard_url"), notes.get("dashboard")), "Dashboard"),
    ]
