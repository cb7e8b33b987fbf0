"""The difference of two versions as people read it: rows by their names, values by their labels."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.db import models

from config.governance.content import content_of, parts_of, root_fields
from config.governance.models import PolicyVersion
from config.governance.rules import Change, Content, diff
from config.wording import in_words

NOTHING = "none"


@dataclass(frozen=True)
class Line:
    """One field that differs, in words."""

    field: str
    old: str
    new: str


@dataclass(frozen=True)
class Block:
    """The version itself, or one of its rows; `what` is changed, added or removed."""

    title: str
    what: str
    lines: tuple[Line, ...]


def difference(before: PolicyVersion | None, after: PolicyVersion) -> list[Change]:
    """Field by field, child rows matched by `line`; everything is new where nothing was before."""
    nothing = Content(type(after).policy_kind, {}, {})
    return diff(nothing if before is None else content_of(before), content_of(after))


def worded(before: PolicyVersion | None, after: PolicyVersion) -> list[Block]:
    """The difference in words, a block for each row that differs."""
    changes = difference(before, after)
    titles = {**_titles(before), **_titles(after)}
    return [
        Block(titles.get(place, ""), rows[0].what, tuple(_lines(after, rows)))
        for place, rows in ((key, list(found)) for key, found in groupby(changes, _place))
    ]


def _place(change: Change) -> tuple[str, str]:
    return change.part, change.line


def _titles(version: PolicyVersion | None) -> dict[tuple[str, str], str]:
    if version is None:
        return {}
    return {
        (part.name, str(row.line)): str(row)
        for part in parts_of(type(version))
        for row in part.rows(version)
    }


def _lines(version: PolicyVersion, changes: Iterable[Change]) -> Iterable[Line]:
    for change in changes:
        field = _field(version, change)
        old = text_of(version, field, change.old)
        new = text_of(version, field, change.new)
        if old != new:
            yield Line(str(field.verbose_name).capitalize(), old, new)


def _field(version: PolicyVersion, change: Change) -> "models.Field[Any, Any]":
    model = type(version)
    parts = {part.name: part.fields for part in parts_of(model)}
    fields = parts[change.part] if change.part else root_fields(model)
    return next(each for each in fields if each.name == change.field)


def text_of(version: PolicyVersion, field: "models.Field[Any, Any]", value: Any) -> str:
    """A stored value in words: labels for choices, names for keys, sentences for conditions."""
    if value is None or value in ("", []):
        return NOTHING
    own = version.shown_value(field.name, value)
    if own is not None:
        return own
    if isinstance(field, models.ForeignKey):
        row = field.related_model._base_manager.filter(pk=value).first()
        return NOTHING if row is None else str(row)
    return in_words(field, value)


def period_of(version: PolicyVersion) -> str:
    """In words: from when to when the version holds, or when it is to begin."""
    if version.in_force is None:
        at = version.activates_at
        return f"is to hold from {at:%Y-%m-%d %H:%M} UTC" if at else "never held"
    if version.in_force.isempty:
        return "never held"
    end = version.in_force.upper
    until = f"until {end:%Y-%m-%d %H:%M} UTC" if end else "until further notice"
    return f"from {version.in_force.lower:%Y-%m-%d %H:%M} UTC {until}"
