"""Is it alive, is it ready, and the figures: for load balancers, monitors and people."""

import hmac
import ipaddress

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from config import figures
from config.apikit.problems import document, plain
from config.due.health import checks

TEXT = "text/plain; version=0.0.4; charset=utf-8"


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Alive: nothing is asked of the database. The ASGI front answers this before Django does."""
    return _fresh(JsonResponse({"status": "ok"}))


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Ready to work: 503 names what is not."""
    found = checks()
    ready = all(check.ok for check in found.values())
    body = {
        "status": "ok" if ready else "unavailable",
        "checks": {name: {"ok": check.ok, "detail": check.detail} for name, check in found.items()},
    }
    answer = _fresh(JsonResponse(body, status=200 if ready else 503))
    # A probe asks each second. It is told; the log of errors needn't be, by each of its questions.
    answer._has_been_logged = True  # type: ignore[attr-defined]  # Django's, see its log_response
    return answer


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Figures for Prometheus: by bearer token, or from this machine itself."""
    if not _may_read(request):
        text = "Send the bearer token of WATCHBILL_METRICS_TOKEN, or ask from this machine."
        challenge = {"WWW-Authenticate": 'Bearer realm="watchbill-metrics"'}
        return plain(document(request, "not_authenticated", 401, text), challenge)
    try:
        return _fresh(HttpResponse(figures.exposition(), content_type=TEXT))
    except DatabaseError:
        text = "The database does not answer."
        return plain(document(request, "unavailable", 503, text), {"Retry-After": "5"})


def _may_read(request: HttpRequest) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    token = settings.METRICS_TOKEN
    if token and scheme.lower() == "bearer":
        return hmac.compare_digest(given.strip().encode(), token.encode())
    # A proxy on this machine also connects from loopback, but says for whom.
    forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded"))
    return not forwarded and _is_loopback(request.META.get("REMOTE_ADDR", ""))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _fresh(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    return response
