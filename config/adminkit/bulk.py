"""Bulk actions: a loop of single operations, each in its own transaction, with a result per row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.forms import ActionForm
from unfold.widgets import UnfoldAdminTextInputWidget

from config.adminkit import refusals
from config.adminkit.verbs import Verb
from config.errors import NotAllowed, Refused

MOST = 200
ASKED_ABOVE = 10
LONGEST_REASON = 500

type Action = Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponse | None]


class ReasonActionForm(ActionForm):
    """The choice of an action, and why it is done to all of these."""

    reason = forms.CharField(
        label="",
        required=False,  # Django would answer an empty one with 'No action selected'
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextInputWidget(
            attrs={"placeholder": "Reason (required)", "aria-label": "Reason", "x-show": "action"}
        ),
    )


@dataclass(frozen=True)
class Result:
    """What became of one row: done, or refused and why."""

    row: Any
    link: str
    refusal: str = ""


def bulk_action(verb: Verb) -> Action:
    """The admin action that does the verb to each selected row; many rows are asked for again."""

    def act(model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        reason = request.POST.get("reason", "").strip()
        rows = list(queryset[: MOST + 1])
        if not reason:
            messages.error(request, f"{verb.title}: write a reason; nothing was done.")
            return None
        if len(rows) > MOST:
            messages.error(request, f"{verb.title}: select at most {MOST} rows; nothing was done.")
            return None
        if len(rows) > ASKED_ABOVE and "confirmed" not in request.POST:
            return _question(model_admin, request, verb, rows, reason)
        return _answer(model_admin, request, verb, [
            Result(row, model_admin.page_of(row), _do(model_admin, request, verb, row, reason))
            for row in rows
        ])  # fmt: skip

    act.__name__ = verb.name
    return act


def _do(model_admin: Any, request: HttpRequest, verb: Verb, row: Any, reason: str) -> str:
    """Do it to one row; the answer is empty, or says why not."""
    arguments = {"reason": reason} if verb.takes_reason else {"note": reason}
    request._watchbill_record = row  # type: ignore[attr-defined]  # a refusal will be about it
    try:
        if not model_admin.may_do(request, verb, row):
            raise NotAllowed("you don't have the right to do this", audit=True)
        if verb.name not in model_admin.verbs_from(row):
            raise Refused(f"its state{_state_of(row)} doesn't allow this")
        model_admin.run(request, verb, row, arguments)
    except refusals.REFUSALS as error:
        refusals.leave_trace(request, error, about=row)
        return refusals.as_text(error)
    return ""


def _state_of(row: Any) -> str:
    shown = getattr(row, "get_state_display", None)
    return f", {shown().lower()}," if shown else ""


def _question(
    model_admin: Any, request: HttpRequest, verb: Verb, rows: list[Any], reason: str
) -> HttpResponse:
    """Which rows it would be; the answer names each of them, whatever the list shows by then."""
    context = _context(model_admin, request, verb) | {
        "results": [Result(row, model_admin.page_of(row)) for row in rows],
        "reason": reason,
        "checkbox": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "adminkit/bulk_question.html", context)


def _answer(
    model_admin: Any, request: HttpRequest, verb: Verb, results: list[Result]
) -> HttpResponse | None:
    """Back to the list where a few rows were all done; else a page that says it row by row."""
    refused = sum(bool(result.refusal) for result in results)
    if not refused and len(results) <= ASKED_ABOVE:
        messages.success(request, f"{verb.title}: {len(results)} done.")
        return None
    context = _context(model_admin, request, verb) | {
        "results": sorted(results, key=lambda result: not result.refusal),
        "done": len(results) - refused,
        "refused": refused,
    }
    return TemplateResponse(request, "adminkit/bulk_results.html", context)


def _context(model_admin: Any, request: HttpRequest, verb: Verb) -> dict[str, Any]:
    return {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": f"{verb.title}: {model_admin.plural.lower()}",
        "verb": verb,
        "list_link": request.get_full_path(),
    }
