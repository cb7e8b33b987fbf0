"""What stands above a list: its queues, saving the present filters, and news since it was drawn."""

from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from config.adminkit.matching import UNFIT, UnfitAddress, refuse_unknown_choices, unfit_text
from config.adminkit.paginator import BEFORE
from config.adminkit.queues import desk_of
from config.adminkit.scoping import actor_of
from config.errors import Invalid
from config.workspace.rules import LONGEST_NAME, normal


def above(model_admin: Any, request: HttpRequest) -> dict[str, Any]:
    """For `adminkit/above_list.html`; nothing in pop-ups."""
    if "_popup" in request.GET:
        return {}
    desk = desk_of(request)
    entries = desk.of_list(model_admin)
    opened = [entry for entry in entries if entry.is_open_in(request)]
    query = _query_of(request)
    context = {
        "queues": entries,
        "opened": opened[0] if opened else None,
        "whole_list": not query,
        "live_url": _live_url(model_admin, request),
    }
    return context | (_saving(model_admin, request, query) if query and not opened else {})


def checked(model_admin: Any, request: HttpRequest, make: Any) -> Any:
    """The change list, or `UnfitAddress` with what the list doesn't know of its own address."""
    try:
        found = make(request)
    except UNFIT as error:
        raise UnfitAddress(unfit_text(model_admin, request.GET)) from error
    refuse_unknown_choices(found)
    return found


def without_what_is_unfit(request: HttpRequest, error: UnfitAddress) -> HttpResponse:
    """Say why, and show what can be shown: the first page, the other filters, else no filter."""
    if "p" in request.GET:
        messages.warning(request, "That page is not there any more: this is the first one.")
        return _without(request, "p")
    names = [name for name in error.names if name in request.GET]
    left_out = "that filter" if names else "filters"
    messages.warning(
        request,
        f"{error} This is the list without {left_out}; if a view led here, change or delete it.",
    )
    return _without(request, *(names or request.GET))


def _without(request: HttpRequest, *names: str) -> HttpResponse:
    rest = request.GET.copy()
    for name in names:
        rest.pop(name, None)
    return HttpResponseRedirect(f"{request.path}?{rest.urlencode()}" if rest else request.path)


def refuse_unreadable_choice(model_admin: Any, request: HttpRequest) -> bool:
    """Whether the chosen rows can't be keys of this model; says so."""
    try:
        for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
            model_admin.opts.pk.to_python(key)
    except ValidationError:
        messages.error(request, "These rows can't be read: choose them again. Nothing was done.")
        return True
    return False


def _query_of(request: HttpRequest) -> str:
    try:
        return normal(request.GET.urlencode())
    except Invalid:
        return ""


def _saving(model_admin: Any, request: HttpRequest, query: str) -> dict[str, Any]:
    return {
        "saving": {
            "url": reverse("admin:queue_save"),
            "model": model_admin.opts.label_lower,
            "query": query,
            "teams": actor_of(request).teams.filter(is_active=True).order_by("name"),
            "longest": LONGEST_NAME,
        }
    }


def _live_url(model_admin: Any, request: HttpRequest) -> str:
    """Where the page asks for news: only about the first page, as others shift with every row."""
    if not model_admin.is_live or request.GET.get("p", "1") != "1" or BEFORE in request.GET:
        return ""
    meta = model_admin.opts
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_live")
    return f"{url}?{_query_of(request)}"
