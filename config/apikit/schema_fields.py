"""What a field may really be answered with: null, an empty text, a time without a zone.

DRF's read-only fields forget `null` and `blank` of the model that they show; the document must not.
"""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from rest_framework import serializers

TIME_OF_DAY = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?$"
ANYTHING = [{}, {"type": "null"}]


def widen(field: Any) -> None:
    """Let a field that only answers say null and "" wherever its model does."""
    if not (isinstance(field, serializers.Field) and field.read_only):
        return
    names = (field.source or "").split(".")
    path = _path(getattr(getattr(field.parent, "Meta", None), "model", None), names)
    if any(each.null for each in path):
        field.allow_null = True
    if len(path) == len(names) and path[-1].blank and hasattr(field, "allow_blank"):
        field.allow_blank = True


def plain(field: Any, found: Any) -> Any:
    """The schema of a field in words that validators agree about."""
    if isinstance(field, serializers.TimeField):
        # JSON Schema's own "time" has a zone; the time of day of a place has none.
        found = {name: each for name, each in found.items() if name != "format"}
        return {**found, "pattern": TIME_OF_DAY}
    if isinstance(found, dict) and found.get("oneOf") == ANYTHING:
        return {name: each for name, each in found.items() if name != "oneOf"}
    return found


def _path(model: Any, names: Sequence[str]) -> "list[models.Field[Any, Any]]":
    """The model's fields along a source, as far as it names fields and no property or method."""
    found: list[models.Field[Any, Any]] = []
    for name in names:
        step = _step(model, name)
        if step is None:
            break
        found.append(step)
        model = step.related_model
    return found


def _step(model: Any, name: str) -> "models.Field[Any, Any] | None":
    if not (isinstance(model, type) and issubclass(model, models.Model)):
        return None
    try:
        step = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return step if isinstance(step, models.Field) else None
