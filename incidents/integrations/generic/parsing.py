"""Our own form: an object, or a list of up to 1,000, of which bad ones stop no others.

`dedup_key` or `title` is needed; the rest has defaults: firing, warning, the source's service.
"""

import datetime
from collections.abc import Mapping
from typing import Any

from incidents.alerts.adapters import Post, parser
from incidents.alerts.reading import LEVELS, as_text, labels, link, load, moment
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
from incidents.taxonomy.models import Level

MOST = 1_000


@parser("generic")
def parse(post: Post) -> Reading:
    """The alerts of a body."""
    document = load(post.body)
    items = document if isinstance(document, list) else [document]
    if not items:
        raise Unreadable("The list is empty; send at least one alert.")
    if len(items) > MOST:
        raise Unreadable(f"The list has {len(items)} alerts; send at most {MOST:,} at once.")
    found, bad = [], []
    for index, item in enumerate(items):
        try:
            found.append(_read_item(item))
        except Unreadable as error:
            bad.append(BadItem(index, str(error)))
    return Reading(found, bad)


def _read_item(item: Any) -> NormalisedAlert:
    if not isinstance(item, dict):
        raise Unreadable("An alert is an object with 'dedup_key' and 'title'.")
    title = as_text(item.get("title"), TITLE_LENGTH)
    service = as_text(item.get("service"), 100)
    key = as_text(item.get("dedup_key"))
    if not (key or title):
        raise Unreadable("Give a 'dedup_key' or a 'title'.")
    return NormalisedAlert(
        dedup_key=key or digest(title, service),
        title=title or as_text(key, TITLE_LENGTH),
        status=_status(item.get("status")),
        level=_level(item.get("level")),
        service=service,
        description=as_text(item.get("description"), DESCRIPTION_LENGTH),
        labels=_labels(item.get("labels")),
        links=_links(item.get("links")),
        starts_at=_time("starts_at", item),
        ends_at=_time("ends_at", item),
    )


def _status(word: Any) -> Status:
    try:
        return Status(as_text(word).lower() or Status.FIRING)
    except ValueError:
        raise Unreadable(
            f"'status' is '{as_text(word, 40)}'; send 'firing' or 'resolved'."
        ) from None


def _level(word: Any) -> str:
    if word in (None, ""):
        return Level.WARNING
    found = LEVELS.get(as_text(word, 40).lower())
    if found is None:
        names = ", ".join(Level.values)
        raise Unreadable(f"'level' is '{as_text(word, 40)}'; send one of {names}.")
    return found


def _labels(value: Any) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise Unreadable("'labels' is an object of names and values.")
    return labels(value)


def _links(value: Any) -> list[dict[str, str]]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unreadable("'links' is a list of addresses, or of objects with 'href' and 'text'.")
    found: list[dict[str, str]] = []
    for each in value[:50]:
        stated = each if isinstance(each, dict) else {"href": each}
        found += link(stated.get("href") or stated.get("url"), as_text(stated.get("text"), 200))
    return found


def _time(name: str, item: Mapping[str, Any]) -> datetime.datetime | None:
    try:
        return moment(item.get(name))
    except Unreadable as error:
        raise Unreadable(f"'{name}': {error}") from None
