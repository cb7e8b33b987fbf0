"""List filters that don't betray what the visitor may not see."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.admin import RelatedFieldListFilter, site
from django.contrib.admin.utils import NotRelationField, get_fields_from_path
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpRequest
from unfold.contrib.filters.forms import AutocompleteDropdownForm

from config.adminkit.scoping import visible_rows

LISTED = 20
MOST = 200


class ScopedRelatedFilter(RelatedFieldListFilter):
    """The related records that the visitor may see: up to twenty as links, more by searching.

    However many teams somebody sees, the page grows no longer. In lists without a button to apply
    filters, and where the related list can't be searched, the first 200 are links.
    """

    def __init__(
        self,
        field: Any,
        request: HttpRequest,
        params: dict[str, Any],
        model: type[models.Model],
        model_admin: Any,
        field_path: str,
    ) -> None:
        self.request = request
        self.model_admin = model_admin
        self.is_searched = False
        super().__init__(field, request, params, model, model_admin, field_path)
        if self.is_searched:
            self.template = "unfold/filters/filters_field.html"

    def has_output(self) -> bool:
        """Also where there is nothing to choose from: what the address asks for must hold."""
        return bool(self.used_parameters) or super().has_output()

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        """Pairs of key and name; of many, only so many that one sees there are."""
        can_be_searched = model_admin.list_filter_submit and is_searchable(field)
        rows = visible_rows(field.remote_field.model, request).order_by("pk")
        found = [(str(row.pk), str(row)) for row in rows[: LISTED + 1 if can_be_searched else MOST]]
        self.is_searched = can_be_searched and len(found) > LISTED
        return found

    def choices(self, changelist: Any) -> Iterator[Any]:
        """The links, or the form with the picker."""
        if not self.is_searched:
            yield from super().choices(changelist)
            return
        form = AutocompleteDropdownForm(
            request=self.request,
            label=f"By {self.title}",
            name=self.lookup_kwarg,
            choices=(),
            field=self.field,
            model_admin=self.model_admin,
            data={self.lookup_kwarg: self._chosen()},
        )
        related: Any = self.field.remote_field
        form.fields[self.lookup_kwarg].queryset = visible_rows(related.model, self.request)
        yield {"form": form}

    def _chosen(self) -> str | None:
        keys = [key for key in self.lookup_val or () if key.isascii() and key.isdigit()]
        return keys[0] if keys and len(keys[0]) < 19 else None


def is_searchable(field: Any) -> bool:
    """Whether the admin has a search over the records that the field leads to."""
    found = site._registry.get(field.remote_field.model)
    is_number = isinstance(field.target_field, models.AutoField | models.IntegerField)
    return is_number and found is not None and bool(found.search_fields)


def scoped_filters(model: type[models.Model], filters: Iterable[Any]) -> list[Any]:
    """The filters, with every foreign key, also one of a related record, made a scoped one."""
    return [
        (name, ScopedRelatedFilter) if isinstance(name, str) and _is_relation(model, name) else name
        for name in filters
    ]


def has_related(model: type[models.Model], filters: Iterable[Any]) -> bool:
    """Whether one of the filters is by a related record."""
    return any(isinstance(name, str) and _is_relation(model, name) for name in filters)


def _is_relation(model: type[models.Model], name: str) -> bool:
    try:
        return bool(get_fields_from_path(model, name)[-1].is_relation)
    except (FieldDoesNotExist, NotRelationField):
        return False
