"""List filters that don't betray what the visitor may not see."""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import RelatedFieldListFilter
from django.contrib.admin.utils import NotRelationField, get_fields_from_path
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpRequest

from config.adminkit.scoping import visible_rows

MOST = 200


class ScopedRelatedFilter(RelatedFieldListFilter):
    """The related records that the visitor may see, the first 200 of them."""

    def has_output(self) -> bool:
        """Also where there is nothing to choose from: what the address asks for must hold."""
        return bool(self.used_parameters) or super().has_output()

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        """Pairs of key and name."""
        rows = visible_rows(field.remote_field.model, request)
        return [(str(row.pk), str(row)) for row in rows.order_by("pk")[:MOST]]


def scoped_filters(model: type[models.Model], filters: Iterable[Any]) -> list[Any]:
    """The filters, with every foreign key, also one of a related record, made a scoped one."""
    return [
        (name, ScopedRelatedFilter) if isinstance(name, str) and _is_relation(model, name) else name
        for name in filters
    ]


def _is_relation(model: type[models.Model], name: str) -> bool:
    try:
        return bool(get_fields_from_path(model, name)[-1].is_relation)
    except (FieldDoesNotExist, NotRelationField):
        return False
