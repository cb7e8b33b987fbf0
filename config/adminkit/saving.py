"""Keeping what a list shows as a view: the target of the line above each list."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)

from config.adminkit import refusals
from config.adminkit.matching import admin_of, check_query, list_address
from config.adminkit.scoping import actor_of
from config.organisation.models import Team
from config.workspace.operations import save_view
from config.workspace.rules import LONGEST_NAME, LONGEST_QUERY


class SaveForm(forms.Form):
    """What the line sends."""

    model = forms.CharField(max_length=80)
    query = forms.CharField(max_length=LONGEST_QUERY)
    name = forms.CharField(max_length=LONGEST_NAME)
    team = forms.ModelChoiceField(queryset=Team.objects.none(), required=False)

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.POST)
        teams = actor_of(request).teams.all()
        self.fields["team"].queryset = teams  # type: ignore[attr-defined]  # a model choice


def save(request: HttpRequest) -> HttpResponse:
    """Keep it, and go back to the list."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    model_admin = admin_of(request.POST.get("model", ""), actor_of(request))
    if model_admin is None:
        raise Http404("There is no such list that you may open.")
    form = SaveForm(request)
    if form.is_valid():
        _save(request, form.cleaned_data)
    else:
        for name, texts in form.errors.items():
            messages.error(request, f"The view was not saved ({name}): {' '.join(map(str, texts))}")
    query = request.POST.get("query", "").replace("\0", "")
    return HttpResponseRedirect(f"{list_address(model_admin)}?{query}")


def _save(request: HttpRequest, values: dict[str, Any]) -> None:
    actor = actor_of(request)
    try:
        check_query(values["model"], values["query"], actor)
        view = save_view(actor=actor, **values)
    except refusals.REFUSALS as error:
        refusals.leave_trace(request, error)
        refusals.as_message(request, error, about="The view was not saved")
        return
    whose = f"in your sidebar and in those of {view.team}" if view.team else "in your sidebar"
    messages.success(request, f"Saved: “{view.name}” stands {whose}.")
