"""What every request passes: an id, its origin, rights read once, the installation's
banner, and the admin's CSP.
"""

import re
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from config.access.delegations import act_by
from config.access.visibility import remembering
from config.due.models import Installation
from config.errors import NotAllowed
from config.origin import Origin, acting, for_oneself
from config.planned import PlannedRow

GetResponse = Callable[[HttpRequest], HttpResponse]
STAND_IN = "stand_in"
_INSTALLATION = PlannedRow(
    "installation", "bigint", lambda key: Installation.objects.filter(pk=key).order_by()
)
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestIdMiddleware:
    """Echoes X-Request-ID, or makes one; logs and problems carry it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Bind the id for the logs of this request."""
        given = request.headers.get("X-Request-ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]  # read by problems
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response


class OriginMiddleware:
    """What is done through the admin is recorded as `admin`, through any other page as `api`."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Bind the origin, and relax the CSP for the admin's pages alone."""
        is_admin = request.path.startswith("/admin/")
        with acting(Origin.ADMIN if is_admin else Origin.API):
            response = self.get_response(request)
        if is_admin and not hasattr(response, "_csp_replace"):
            response._csp_replace = settings.ADMIN_CSP  # type: ignore[attr-defined]  # django-csp reads it
        return response


class StandInMiddleware:
    """Who has said at the admin that they act for somebody does so until they take it back."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Bind it for this request; a delegation that is over leaves the session."""
        with for_oneself():
            kept = request.session.get(STAND_IN) if request.path.startswith("/admin/") else None
            if kept is not None and request.user.is_authenticated:
                try:
                    act_by(request.user, kept)
                except NotAllowed:
                    del request.session[STAND_IN]
            return self.get_response(request)


class RightsOnceMiddleware:
    """What the caller reaches is read once for a request that only reads."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Remember until the answer; a request that changes something asks anew each time."""
        if request.method not in ("GET", "HEAD"):
            return self.get_response(request)
        with remembering():
            return self.get_response(request)


def installation_of(request: HttpRequest) -> Installation | None:
    """The row of this installation, read once a request."""
    if not hasattr(request, "_watchbill_installation"):
        row = _INSTALLATION.get(Installation.SINGLE)
        request._watchbill_installation = row  # type: ignore[attr-defined]  # kept for this request
    return request._watchbill_installation  # type: ignore[attr-defined, no-any-return]  # as above


def installation(request: HttpRequest) -> dict[str, Any]:
    """For templates: whether these are demonstration data, and whether outbound is paused."""
    return {"installation": installation_of(request)}
