"""The history of any tracked record: what changed, from row to row, in names that people know."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import models
from rest_framework import serializers

from config.apikit.pagination import NewestFirst
from config.origin import Origin

SKIPPED = {"revision"}
NAMES = ("reference", "key", "username", "name")
HIDDEN = "(not visible to you)"
type Names = dict[type[models.Model], dict[Any, str]]


class ChangeOut(serializers.Serializer[Any]):
    """One field's change."""

    field = serializers.CharField(read_only=True)
    old = serializers.JSONField(read_only=True, allow_null=True)
    new = serializers.JSONField(read_only=True, allow_null=True)


class HistoryOut(serializers.Serializer[Any]):
    """One change of the record."""

    at = serializers.DateTimeField(read_only=True)
    actor = serializers.CharField(read_only=True, allow_null=True, help_text="User name.")
    origin = serializers.ChoiceField(choices=Origin.choices, read_only=True)
    reason = serializers.CharField(read_only=True)
    version = serializers.IntegerField(read_only=True)
    changes = ChangeOut(many=True, read_only=True)


class HistoryPages(NewestFirst):
    """Pages of history rows."""

    ordering = "-history_id"


def described(
    page: Sequence[Any] | None, rows: Any, reader: Any, hidden: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """The rows of one page as the API shows them.

    Costs one query for the row before the page, and one per related model.
    """
    if not page:
        return []
    before = rows.filter(history_id__lt=page[-1].history_id).order_by("-history_id").first()
    pairs = list(zip(page, [*page[1:], before], strict=True))
    fields = [field for field in _fields(page[0]) if field.name not in {*SKIPPED, *hidden}]
    changes = [[field for field in fields if _differs(field, pair)] for pair in pairs]
    names = _names(pairs, changes, reader)
    return [_entry(pair, found, names) for pair, found in zip(pairs, changes, strict=True)]


def _fields(row: Any) -> list[Any]:
    primary = row.instance_type._meta.pk.attname
    return [field for field in type(row).tracked_fields if field.attname != primary]


def _differs(field: Any, pair: tuple[Any, Any]) -> bool:
    new, old = pair
    if new.history_type == "-":
        return False
    value = getattr(new, field.attname)
    if old is None:
        return value not in (None, "", [], {})
    return bool(value != getattr(old, field.attname))


def _names(pairs: Any, changes: Any, reader: Any) -> Names:
    wanted: dict[type[models.Model], set[Any]] = defaultdict(set)
    for pair, fields in zip(pairs, changes, strict=True):
        for field in fields:
            if field.is_relation:
                values = {getattr(row, field.attname) for row in pair if row is not None}
                wanted[field.related_model] |= values - {None}
    return {model: _named(model, keys, reader) for model, keys in wanted.items()}


def _named(model: type[models.Model], keys: set[Any], reader: Any) -> dict[Any, str]:
    rows: Any = model._base_manager.filter(pk__in=keys)
    found = dict.fromkeys(keys, HIDDEN)
    if model._meta.app_label != "config" and hasattr(model._default_manager, "visible_to"):
        manager: Any = model._default_manager
        rows = manager.visible_to(reader).filter(pk__in=keys)
    fields = {field.name for field in model._meta.concrete_fields}
    name = next((each for each in NAMES if each in fields), None)
    if name is None:
        return {**found, **{key: str(key) for key in rows.values_list("pk", flat=True)}}
    return {**found, **dict(rows.values_list("pk", name))}


def _entry(pair: tuple[Any, Any], fields: list[Any], names: Names) -> dict[str, Any]:
    new, old = pair
    return {
        "at": new.history_date,
        "actor": new.history_user.username if new.history_user else None,
        "origin": new.origin,
        "reason": new.history_change_reason or "",
        "version": new.revision,
        "changes": [
            {
                "field": field.name,
                "old": _shown(field, old, names),
                "new": _shown(field, new, names),
            }
            for field in fields
        ],
    }


def _shown(field: Any, row: Any, names: Names) -> Any:
    if row is None:
        return None
    value = getattr(row, field.attname)
    if value is None or isinstance(value, (bool, int, str, list, dict)):
        return names[field.related_model].get(value) if field.is_relation and value else value
    if field.is_relation:
        return names[field.related_model].get(value)
    if hasattr(value, "isoformat"):
        return value
    return str(value)
