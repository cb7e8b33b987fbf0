"""Limits per caller, counted in PostgreSQL, so that they hold across processes."""

import datetime
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from config import clock
from config.apikit.addresses import client_address
from config.organisation.models import ApiToken

logger = structlog.get_logger(__name__)

# One statement, so that two connections never lose a count. A window that is over starts anew.
COUNT = """
INSERT INTO config_counter AS c (key, count, expires_at) VALUES (%(key)s, 1, %(end)s)
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN c.expires_at <= %(now)s THEN 1 ELSE c.count + 1 END,
    expires_at = CASE WHEN c.expires_at <= %(now)s THEN %(end)s ELSE c.expires_at END
RETURNING count, expires_at
"""
FORGET = """
DELETE FROM config_counter WHERE key IN (
    SELECT key FROM config_counter WHERE expires_at < %s ORDER BY expires_at LIMIT 100
    FOR UPDATE SKIP LOCKED
)
"""
KEPT_AFTER = datetime.timedelta(hours=1)


@dataclass(frozen=True)
class Window:
    """How much of a limit is used, and when it begins anew."""

    limit: int
    seconds: int
    used: int
    resets_in: int

    @property
    def exceeded(self) -> bool:
        """True for a request over the limit."""
        return self.used > self.limit


def count(key: str, *, limit: int, seconds: int = 60) -> Window:
    """Count one use of `key` against `limit` in a window of that many seconds."""
    now = clock.now()
    end = now + datetime.timedelta(seconds=seconds)
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"key": key[:200], "now": now, "end": end})
        used, expires_at = cursor.fetchone() or (0, end)
        if used == 1:
            cursor.execute(FORGET, [now - KEPT_AFTER])
    return Window(limit, seconds, used, max(1, round((expires_at - now).total_seconds())))


def caller_of(request: Request) -> str:
    """Who is counted, and owns an Idempotency-Key: the token, else the user, else the address."""
    if isinstance(request.auth, ApiToken):
        return f"token:{request.auth.pk}"
    if request.user.is_authenticated:
        return f"user:{request.user.pk}"
    return f"address:{address_of(request)}"


def address_of(request: HttpRequest | Request) -> str | None:
    """The caller's address behind trusted proxies."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    return client_address(request.META.get("REMOTE_ADDR", ""), forwarded, settings.TRUSTED_PROXIES)


class CallerThrottle(BaseThrottle):
    """So many requests a minute per caller. Lets through where it can't count."""

    window: Window | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count this request."""
        try:
            self.window = count(f"api:{caller_of(request)}", limit=settings.API_REQUESTS_PER_MINUTE)
        except DatabaseError:
            logger.warning("requests can't be counted", exc_info=True)
            return True
        request._request.rate_window = self.window  # type: ignore[attr-defined]  # RateLimitHeaders reads it
        return not self.window.exceeded

    def wait(self) -> float | None:
        """Seconds for Retry-After."""
        return float(self.window.resets_in) if self.window else None


class RateLimitHeaders:
    """Middleware: says on every answer what is left (draft-ietf-httpapi-ratelimit-headers-11)."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        """Add the two headers where the request was counted."""
        response = self.get_response(request)
        window: Window | None = getattr(request, "rate_window", None)
        if window is not None:
            left = max(0, window.limit - window.used)
            response["RateLimit-Policy"] = f'"default";q={window.limit};w={window.seconds}'
            response["RateLimit"] = f'"default";r={left};t={window.resets_in}'
        return response
