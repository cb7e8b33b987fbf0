"""The token in a page's link: it binds person and page, is never stored, and can't be guessed."""

import base64
import binascii
import hashlib
import hmac
import uuid

from django.conf import settings

_PURPOSE = b"watchbill page link v1"
_SEAL = 18  # 144 bits


def token_of(page_id: uuid.UUID) -> str:
    """The page's id and its seal, in 46 characters that survive every mail client."""
    return base64.urlsafe_b64encode(page_id.bytes + _seal(page_id)).decode().rstrip("=")


def page_id_of(token: str) -> uuid.UUID | None:
    """The page that the token opens; None when the token isn't one of ours."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return None
    if len(raw) != 16 + _SEAL:
        return None
    page_id = uuid.UUID(bytes=raw[:16])
    # Compared as text as well: base64 has more than one spelling of the last character.
    sound = hmac.compare_digest(raw[16:], _seal(page_id)) and token_of(page_id) == token
    return page_id if sound else None


def url_of(page_id: uuid.UUID) -> str:
    """The address to which the page points."""
    return f"{settings.BASE_URL}/r/{token_of(page_id)}"


def _seal(page_id: uuid.UUID) -> bytes:
    key = hashlib.sha256(_PURPOSE + settings.SECRET_KEY.encode()).digest()
    return hmac.new(key, page_id.bytes, hashlib.sha256).digest()[:_SEAL]
