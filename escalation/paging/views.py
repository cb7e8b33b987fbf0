"""The page that a link opens: what it is about, and one button. No cookie, no script, no login."""

import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from config import clock
from config.errors import DomainError
from config.origin import Origin, acting
from escalation.paging import rules
from escalation.paging.links import token_of
from escalation.paging.models import Page
from escalation.paging.operations import (
    PageGone,
    acknowledge_by_link,
    awaits_acknowledgement,
    is_expired,
    page_for_token,
)
from escalation.paging.telling import brief_of, facts_of


# The token is the secret, and no cookie is read: there is nothing that a forged request could ride.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def page_link(request: HttpRequest, token: str) -> HttpResponse:
    """GET and HEAD change nothing (mail scanners follow links); POST action=acknowledge acts."""
    page = page_for_token(token)
    if page is None:
        return _answer(request, "unknown", 404)
    if is_expired(page):
        return _answer(request, "expired", 410, reference=page.incident.reference)
    if request.method == "POST":
        return _act(request, page)
    return _show(request, page)


def _act(request: HttpRequest, page: Page) -> HttpResponse:
    if request.POST.get("action") != "acknowledge":
        return _show(request, page, status=400, error="Use the button on this page.")
    try:
        with acting(Origin.API):
            acknowledge_by_link(page)
    except PageGone:
        return _answer(request, "expired", 410, reference=page.incident.reference)
    except DomainError as refusal:
        return _show(request, page, status=refusal.status, error=refusal.detail)
    return _show(request, page_for_token(token_of(page.pk)) or page)


def _show(request: HttpRequest, page: Page, *, status: int = 200, error: str = "") -> HttpResponse:
    incident = page.incident
    now = clock.now()
    brief = brief_of(page, facts_of([incident])[incident.pk])
    is_wanted = awaits_acknowledgement(incident)
    return _answer(
        request,
        "page",
        status,
        page=page,
        brief=brief,
        since=rules.ago(brief.started_at, now),
        acknowledged_by=incident.acknowledged_by,
        acknowledged_ago=_ago(incident.acknowledged_at, now),
        mine_ago=_ago(page.acknowledged_at, now),
        is_mine=page.acknowledged_at is not None and not is_wanted,
        is_wanted=is_wanted,
        is_open=incident.is_open,
        state=incident.get_state_display(),
        error=error,
    )


def _ago(at: datetime.datetime | None, now: datetime.datetime) -> str:
    return rules.ago(at, now) if at else ""


def _answer(request: HttpRequest, name: str, status: int, **context: Any) -> HttpResponse:
    response = render(request, f"escalation/{name}.html", context, status=status)
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
