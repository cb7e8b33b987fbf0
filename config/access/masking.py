"""Fields that not everybody who sees a record may read: dropped wherever the record is shown.

A room says it once, beside its `register_verbs`:

    mask(Incident, level(Level.RESPOND), "revenue_per_hour", "is_regulatory")

Answers of the API leave the fields out, pages of the admin have no place for them, and both leave
them out of histories. Superusers and operations read everything. Evidence packs are made for roles
that read everything: their rows are proved whole.
"""

from collections.abc import Iterable
from typing import Any

from django.db import models

from config.access.rules import Need
from config.access.visibility import Access

_masks: dict[str, dict[str, Need]] = {}


class Unmaskable(RuntimeError):
    """The model has no such field, so that nothing would be masked."""


def mask(model: type[models.Model], need: Need, *fields: str) -> None:
    """Only who meets the need on a row reads these fields of it."""
    known = {field.name for field in model._meta.concrete_fields}
    for name in fields:
        if name not in known:
            raise Unmaskable(f"{model._meta.label} has no field '{name}'")
        _masks.setdefault(model._meta.label_lower, {})[name] = need


def masks_of(model: type[models.Model] | None) -> frozenset[str]:
    """The fields of the model that are masked for some."""
    return frozenset(_masks.get(model._meta.label_lower, ())) if model is not None else frozenset()


def masked(access: Access, row: models.Model) -> frozenset[str]:
    """The fields of the row that the reader may not read."""
    found = _masks.get(row._meta.label_lower)
    if not found or access.user.is_superuser:
        return frozenset()
    refused = {need for need in set(found.values()) if not access.meets(need, row)}
    return frozenset(name for name, need in found.items() if need in refused)


def masked_in_lists(access: Access, model: type[models.Model]) -> frozenset[str]:
    """The fields that a list of the model can't show: those that some of its rows may hide."""
    found = _masks.get(model._meta.label_lower)
    if not found or access.user.is_superuser:
        return frozenset()
    return frozenset(name for name, need in found.items() if not access.meets_everywhere(need))


def without(names: Iterable[str], said: dict[str, Any]) -> dict[str, Any]:
    """The answer without what is masked."""
    hidden = set(names)
    return {name: value for name, value in said.items() if name not in hidden}
