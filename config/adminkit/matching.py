"""The rows behind a list's address, without the page around them: for counts, polls and checks."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from django.contrib.admin import site
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import FieldError, ValidationError
from django.db import models
from django.http import HttpRequest, QueryDict
from django.urls import get_script_prefix, reverse

from config.adminkit.paginator import CappedChangeList
from config.errors import Invalid
from config.organisation.models import User
from config.workspace.rules import normal

UNFIT = (IncorrectLookupParameters, DisallowedModelAdminLookup, FieldError, ValidationError)


class UnfitAddress(Exception):
    """The list doesn't know what the address asks for; the text says so to a person.

    `names` are the parameters that it is about, where the others may well fit.
    """

    def __init__(self, text: str, names: Iterable[str] = ()) -> None:
        super().__init__(text)
        self.names = tuple(names)


class _Matching(CappedChangeList):
    """A list of rows that are neither counted nor cut into pages."""

    def get_results(self, request: HttpRequest) -> None:
        """Nothing: the caller takes `queryset`."""


def list_address(model_admin: Any) -> str:
    """The address of a model's list. Each page names them all, some more than once."""
    return _list_address(model_admin.opts, get_script_prefix())


@cache
def _list_address(meta: Any, prefix: str) -> str:
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")


def registered(label: str) -> Any:
    """The admin of the model of that label, if there is one."""
    return next((a for a in site._registry.values() if a.opts.label_lower == label), None)


def admin_of(label: str, user: User) -> Any:
    """The admin of the model, if the user may open its list."""
    found = registered(label)
    may_open = found is not None and found.has_view_permission(_asked(found, user, ""))
    return found if may_open else None


def rows_of(model_admin: Any, user: User, query: str) -> models.QuerySet[Any]:
    """The rows that the list would show to the user, in its order. Raises `UnfitAddress`."""
    asked = _asked(model_admin, user, query)
    columns = model_admin.get_list_display(asked)
    if model_admin.get_actions(asked):  # an order names columns by number
        columns = ["action_checkbox", *columns]
    filters = _used(model_admin.get_list_filter(asked), asked.GET)
    try:
        found = _Matching(
            asked, model_admin.model, columns, (), filters, model_admin.date_hierarchy,
            model_admin.get_search_fields(asked), model_admin.get_list_select_related(asked),
            model_admin.list_per_page, model_admin.list_max_show_all, (), model_admin,
            model_admin.get_sortable_by(asked), "",
        )  # fmt: skip
    except UNFIT as error:
        raise UnfitAddress(unfit_text(model_admin, asked.GET)) from error
    refuse_unknown_choices(found)
    rows: models.QuerySet[Any] = found.queryset
    return rows


def refuse_unknown_choices(found: Any) -> None:
    """A filter ignores a choice that it doesn't have: then the list would show too much."""
    for spec in found.filter_specs:
        choices = getattr(spec, "lookup_choices", None)
        name = getattr(spec, "parameter_name", None)
        if not name or choices is None or getattr(spec, "takes_any_value", False):
            continue
        value = spec.value()
        if value is not None and str(value) not in {str(choice) for choice, _ in choices}:
            text = f"The filter '{spec.title}' has no choice '{value}' any more."
            raise UnfitAddress(text, [name])


def unfit_text(model_admin: Any, given: QueryDict) -> str:
    """Which of the filters the list doesn't know; where it knows them all, a value is wrong."""
    known = {field.name for field in model_admin.opts.get_fields()}
    for each in model_admin.list_filter:
        known.add(getattr(each, "parameter_name", None) or (each if isinstance(each, str) else ""))
        if isinstance(each, tuple) and (parameters_of := getattr(each[1], "parameters_of", None)):
            known.update(parameters_of(each[0]))
    unknown = [name for name in given if name.split("__")[0] not in known]
    if unknown:
        return f"This list has no filter '{', '.join(sorted(unknown))}' any more."
    return "A filter has a value that doesn't fit this list."


def check_query(label: str, query: str, user: User) -> None:
    """Raise `Invalid` with what is wrong, in words, unless the list can show it to the user."""
    model_admin = admin_of(label, user)
    if model_admin is None:
        raise Invalid("There is no such list that you may open.", field="model")
    try:
        rows_of(model_admin, user, query)
    except UnfitAddress as error:
        raise Invalid(str(error), field="query") from error


def _asked(model_admin: Any, user: User, query: str) -> HttpRequest:
    """A request for the list, of nobody but this user. Raises `Invalid` where it can't be read."""
    asked = HttpRequest()
    asked.method = "GET"
    asked.path = asked.path_info = list_address(model_admin)
    asked.user = user
    asked.GET = QueryDict(normal(query))
    return asked


def _used(filters: Iterable[Any], given: QueryDict) -> list[Any]:
    """Those that the query names, and those that may filter by themselves."""
    return [each for each in filters if callable(each) or _names(each, given)]


def _names(each: Any, given: QueryDict) -> bool:
    field = each if isinstance(each, str) else each[0]
    return any(name.startswith(field) for name in given)
