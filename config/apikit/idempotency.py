"""Idempotency-Key: a repeated POST has one effect, and gets the first answer again.

After the IETF draft: another body under the same key is 422, a first request that is still
running 409. Refusals are not kept: they changed nothing, so the retry is a fresh attempt.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.db import connection
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from config.apikit.models import IdempotentRequest
from config.apikit.throttling import caller_of
from config.errors import Invalid, Refused

KEY = re.compile(r"[\x20-\x7e]{1,255}")
HEADERS = ("ETag", "Location")


class KeyReused(APIException):
    """The key was used with another body."""

    status_code = 422
    default_code = "idempotency_key_reused"
    default_detail = "This Idempotency-Key was used with another body. Use a new key."


@dataclass
class Claim:
    """One key under its lock: with the kept answer, or free to be answered."""

    digest: str
    body_digest: str
    secret: bytes
    kept: IdempotentRequest | None

    def replay(self) -> Response:
        """The first answer, byte for byte in content."""
        assert self.kept is not None  # noqa: S101  (callers look first)
        data = _parsed(Fernet(self.secret).decrypt(self.kept.answer.encode()))
        headers = {**self.kept.headers, "Idempotency-Replayed": "true"}
        return Response(data, status=self.kept.status, headers=headers)

    def keep(self, response: Response) -> Response:
        """Store the answer in the transaction of the write."""
        body = b"" if response.data is None else JSONRenderer().render(response.data)
        IdempotentRequest.objects.create(
            digest=self.digest,
            body_digest=self.body_digest,
            status=response.status_code,
            headers={name: response[name] for name in HEADERS if name in response},
            answer=Fernet(self.secret).encrypt(body).decode(),
        )
        return response


def claim(request: Request) -> Claim | None:
    """Take the key for this transaction; None where the request has none."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    key = key.strip()
    if not KEY.fullmatch(key):
        raise Invalid(
            "Send 1 to 255 printable ASCII characters as Idempotency-Key, such as a UUID.",
            code="idempotency_key_invalid",
        )
    scope = "\n".join((caller_of(request), str(request.method), request.get_full_path(), key))
    digest = hashlib.sha256(scope.encode()).hexdigest()
    _lock(digest)
    body_digest = hashlib.sha256(request._request.body).hexdigest()
    return Claim(digest, body_digest, _secret(scope), _kept(digest, body_digest))


def _lock(digest: str) -> None:
    # An advisory lock and not the unique index: whoever comes second is told so at once.
    number = int.from_bytes(bytes.fromhex(digest[:16]), signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        taken = cursor.fetchone()
    if taken is None or not taken[0]:
        raise Refused(
            "The first request with this Idempotency-Key is still running. Repeat it in a moment.",
            code="idempotency_in_progress",
        )


def _kept(digest: str, body_digest: str) -> IdempotentRequest | None:
    rows = IdempotentRequest.objects.filter(digest=digest)
    rows.expired().delete()
    kept = rows.first()
    if kept is not None and kept.body_digest != body_digest:
        raise KeyReused
    return kept


def _secret(scope: str) -> bytes:
    mixed = hashlib.sha256(f"{settings.SECRET_KEY}\nidempotency\n{scope}".encode()).digest()
    return base64.urlsafe_b64encode(mixed)


def _parsed(body: bytes) -> Any:
    return json.loads(body) if body else None
