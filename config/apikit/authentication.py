"""Who calls: a bearer token, or, for the pages of a browser, the session with its CSRF token."""

import datetime

from django.db import connection
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from config import clock
from config.access.refusals import record_refusal
from config.apikit.throttling import address_of
from config.errors import NotAllowed
from config.organisation.models import TOKEN_PREFIX, ApiToken, User
from config.organisation.rules import address_allowed
from config.planned import PlannedRow

USE_PRECISION = datetime.timedelta(minutes=1)
# Only a newer minute is written: two requests at once cost one write.
NOTE_USE = """
INSERT INTO config_apitokenuse AS u (token_id, last_used_at, last_address) VALUES (%s, %s, %s)
ON CONFLICT (token_id) DO UPDATE
    SET last_used_at = excluded.last_used_at, last_address = excluded.last_address
    WHERE u.last_used_at < excluded.last_used_at - interval '1 minute'
"""
_TOKEN = PlannedRow(
    "token_by_digest",
    "text",
    lambda digest: ApiToken.objects.select_related("owner", "use").filter(digest=digest).order_by(),
)


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer wb_pat_...`; read anew for each request, so revoking holds at once."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The token's owner; None where the request carries no bearer token."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = find(secret.strip())
        address = address_of(request)
        if not address_allowed(address, token.networks):
            _refuse_address(request, token, address)
        note_use(token, address)
        return token.owner, token

    def authenticate_header(self, request: Request) -> str:
        """For WWW-Authenticate on 401."""
        return 'Bearer realm="watchbill"'


class SessionAuthentication(authentication.SessionAuthentication):
    """A signed-in browser: for /api/docs/. Writes need the CSRF token."""


def find(secret: str) -> ApiToken:
    """The token in force that this is. Raises AuthenticationFailed, saying why not."""
    token = _TOKEN.get(ApiToken.digest_of(secret)) if _shaped(secret) else None
    if token is None:
        raise AuthenticationFailed("There is no such token.", code="token_unknown")
    if token.revoked_at is not None:
        raise AuthenticationFailed("This token was revoked.", code="token_revoked")
    if token.expires_at is not None and token.expires_at <= clock.now():
        raise AuthenticationFailed("This token has expired.", code="token_expired")
    if not token.owner.is_active:
        raise AuthenticationFailed("The token's owner is not active.", code="owner_inactive")
    return token


def note_use(token: ApiToken, address: str | None) -> None:
    """Remember when and whence it was used, at most once a minute."""
    use = getattr(token, "use", None)
    now = clock.now()
    if use is not None and now - use.last_used_at < USE_PRECISION:
        return
    with connection.cursor() as cursor:
        cursor.execute(NOTE_USE, [token.pk, now, address])


def _shaped(secret: str) -> bool:
    return secret.startswith(TOKEN_PREFIX) and secret.isascii() and len(secret) < 200


def _refuse_address(request: Request, token: ApiToken, address: str | None) -> None:
    text = f"This token may not be used from {address or 'an unknown address'}."
    refusal = NotAllowed(text, code="token_network")
    record_refusal(refusal, actor=token.owner, where=f"{request.method} {request.path}")
    raise PermissionDenied(text, code="token_network")
