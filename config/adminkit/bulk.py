"""Bulk actions: a loop of single operations, each in its own transaction, with a result per row."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.forms import ActionForm
from unfold.widgets import UnfoldAdminTextInputWidget

from config.adminkit import refusals
from config.adminkit.verbs import Verb
from config.errors import NotAllowed, Refused

MOST = 200
SHOWN = 20


class ReasonActionForm(ActionForm):
    """The choice of an action, and why it is done to all of these."""

    reason = forms.CharField(
        label="",
        required=False,  # Django would answer an empty one with 'No action selected'
        max_length=500,
        widget=UnfoldAdminTextInputWidget(
            attrs={"placeholder": "Reason (required)", "aria-label": "Reason", "x-show": "action"}
        ),
    )


def bulk_action(verb: Verb) -> Callable[[Any, HttpRequest, QuerySet[Any]], None]:
    """The admin action that does the verb to each selected row."""

    def act(model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        reason = request.POST.get("reason", "").strip()
        rows = list(queryset[: MOST + 1])
        if not reason:
            messages.error(request, f"{verb.title}: write a reason; nothing was done.")
        elif len(rows) > MOST:
            messages.error(request, f"{verb.title}: select at most {MOST} rows; nothing was done.")
        else:
            _report(request, verb, [(row, _do(model_admin, request, verb, row)) for row in rows])

    act.__name__ = verb.name
    return act


def _do(model_admin: Any, request: HttpRequest, verb: Verb, row: Any) -> str:
    """Do it to one row; the answer is empty, or says why not."""
    reason = request.POST["reason"].strip()
    arguments = {"reason": reason} if verb.takes_reason else {"note": reason}
    try:
        if not model_admin.may_do(request, verb, row):
            raise NotAllowed("you don't have the right to do this", audit=True)
        if verb.name not in model_admin.verbs_from(row):
            raise Refused("its state doesn't allow this")
        model_admin.run(request, verb, row, arguments)
    except refusals.REFUSALS as error:
        refusals.leave_trace(request, error)
        return refusals.as_text(error)
    return ""


def _report(request: HttpRequest, verb: Verb, results: list[tuple[Any, str]]) -> None:
    refused = [(row, text) for row, text in results if text]
    if done := len(results) - len(refused):
        messages.success(request, f"{verb.title}: {done} done.")
    for row, text in refused[:SHOWN]:
        messages.error(request, f"{row}: {text}")
    if len(refused) > SHOWN:
        messages.error(request, f"... and {len(refused) - SHOWN} more were refused.")
