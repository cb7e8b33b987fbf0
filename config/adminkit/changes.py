"""What differs between two entries of a record's history, in words."""

from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import models

from config.wording import in_words

# Counters of the platform, and what a reader could only mistake for a secret.
_LEFT_OUT = frozenset({"revision", "created_at"})
_DIGEST = "digest"
_MOST = 300


def set_changes(entries: Iterable[Any], *, hidden: Collection[str] = ()) -> None:
    """Give each of the entries, newest first, its `history_delta_changes`; the oldest has none.

    Every kept field counts. simple-history compares only what forms edit, and most of what
    matters (a state, who acknowledged, the times) is set by operations. `hidden` names fields that
    the reader may not read.
    """
    for newer, older in pairwise(entries):
        newer.history_delta_changes = list(_changes(newer, older, hidden))


def _changes(newer: Any, older: Any, hidden: Collection[str]) -> Iterator[dict[str, str]]:
    for field in sorted(newer.tracked_fields, key=lambda each: str(each.verbose_name)):
        if field.name in _LEFT_OUT or field.name in hidden or field.name.endswith(_DIGEST):
            continue
        if getattr(newer, field.attname) != getattr(older, field.attname):
            title = str(field.verbose_name)
            yield {
                "field": title[:1].upper() + title[1:],
                "old": _words(older, field),
                "new": _words(newer, field),
            }


def _words(entry: Any, field: "models.Field[Any, Any]") -> str:
    value = getattr(entry, field.attname)
    if value is None:
        return ""
    if field.is_relation:
        return _named(entry, field)
    text = in_words(field, value)
    return text if len(text) <= _MOST else f"{text[:_MOST]} …"


def _named(entry: Any, field: "models.Field[Any, Any]") -> str:
    try:
        return str(getattr(entry, field.name))
    except ObjectDoesNotExist:
        return f"removed ({getattr(entry, field.attname)})"
