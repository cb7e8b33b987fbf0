"""Filters that refuse what they don't know, words (`q`), and `updated_since`."""

import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from django_filters import BooleanFilter, CharFilter, IsoDateTimeFilter
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import serializers
from rest_framework.request import Request

from config.apikit.pagination import ParameterInvalid
from config.audit.tracking import Tracked

PAGING = {"cursor", "page_size"}
MAX_WORDS = 200


class StrictFilterBackend(DjangoFilterBackend):
    """django-filter with explicit fields; a parameter that isn't there is 400, not ignored."""

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        """Refuse the unknown, filter, then `updated_since` and `q`."""
        filterset = self.get_filterset_class(view, queryset)
        names = set(filterset.base_filters) if filterset else set()
        extra = set(extra_parameters(view))
        _refuse_unknown(request, names | extra | PAGING)
        queryset = _filtered(filterset, request, queryset)
        if "updated_since" in extra:
            queryset = _updated_since(request.query_params.get("updated_since"), queryset)
        words = request.query_params.get("q", "").strip() if "q" in extra else ""
        return _matching(words, queryset) if words else queryset

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Described in config.apikit.schema, which also knows django-filter's own."""
        return []


def extra_parameters(view: Any) -> dict[str, str]:
    """The parameters beside a resource's own filters, with what they do."""
    model = getattr(view, "model", None)
    found = {}
    if model is not None and issubclass(model, Tracked):
        found["updated_since"] = "Only rows changed at or after this RFC 3339 time."
    if model is not None and hasattr(model._default_manager.none(), "matching"):
        found["q"] = "Only rows that contain these words."
    return found


def _refuse_unknown(request: Request, known: set[str]) -> None:
    for name in request.query_params:
        if name not in known:
            text = f"There is no parameter '{name}' here. There are: {', '.join(sorted(known))}."
            raise ParameterInvalid(name, text, "unknown_parameter")


def _filtered(filterset_class: Any, request: Request, queryset: QuerySet[Any]) -> Any:
    for name, values in request.query_params.lists():
        if any("\0" in value for value in values):
            raise ParameterInvalid(name, "Remove the NUL character.")
    if filterset_class is None or request.query_params.keys().isdisjoint(
        filterset_class.base_filters
    ):
        return queryset  # a form that nobody has filled in filters nothing
    _refuse_odd_values(filterset_class, request)
    filterset = filterset_class(request.query_params, queryset=queryset, request=request)
    if not filterset.is_valid():
        error = serializers.ValidationError(_plain(filterset))
        error.parameters = set(filterset.errors)  # type: ignore[attr-defined]  # problems reads it
        raise error
    return filterset.qs


def _refuse_odd_values(filterset_class: Any, request: Request) -> None:
    # The library reads an empty value, and whatever is neither true nor false, as no filter,
    # which shows too much, and takes a time without a zone for one in UTC.
    for name, each in filterset_class.base_filters.items():
        for given in request.query_params.getlist(name):
            if isinstance(each, BooleanFilter) and given.lower() not in ("true", "false"):
                raise ParameterInvalid(name, "Give true or false.")
            if isinstance(each, IsoDateTimeFilter):
                _instant(name, given)
            if not given and not isinstance(each, CharFilter):
                raise ParameterInvalid(name, "Give a value, or leave the parameter out.")


def _plain(filterset: Any) -> dict[str, list[serializers.ErrorDetail]]:
    return {
        name: [
            serializers.ErrorDetail(each["message"], each["code"] or "invalid") for each in found
        ]
        for name, found in filterset.errors.get_json_data().items()
    }


def _updated_since(text: str | None, queryset: QuerySet[Any]) -> QuerySet[Any]:
    if text is None:
        return queryset
    moment = _instant("updated_since", text)
    model: Any = queryset.model
    changed = model.history.filter(history_date__gte=moment).values(model._meta.pk.name)
    return queryset.filter(pk__in=changed)


def _instant(name: str, text: str) -> datetime.datetime:
    """RFC 3339, with its zone: nobody knows which hour a time without one means."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        hint = "Give a time such as 2026-01-31T08:00:00Z; a '+' must be written %2B."
        raise ParameterInvalid(name, hint)
    return moment


def _matching(words: str, queryset: Any) -> Any:
    if len(words) > MAX_WORDS:
        raise ParameterInvalid("q", f"Search for at most {MAX_WORDS} characters.")
    return queryset.matching(words)
