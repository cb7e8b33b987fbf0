"""Signing in, as it is recorded."""

import hashlib
import hmac

from django.conf import settings
from django.db import transaction

from config.events.operations import record
from config.organisation.models import User

LONGEST_NAME = 150


def record_sign_in(user: User) -> None:
    """A person signed in."""
    with transaction.atomic():
        record("auth.signed_in", user, actor=user)


def record_failure(login: str, *, because: str) -> None:
    """Somebody failed to sign in.

    People type passwords into the field for the name, so a name that no account has is kept as a
    keyed hash only: enough to see that attempts belong together.
    """
    user = User.objects.filter(username__iexact=login).first()
    user = user or (User.objects.filter(email__iexact=login).first() if login else None)
    with transaction.atomic():
        record(
            "auth.failed",
            user,
            actor=user or User.objects.system(),
            because=because,
            login="" if user else fingerprint(login),
        )


def fingerprint(login: str) -> str:
    """A keyed hash of what was typed, not to be guessed without the installation's key."""
    typed = login[:LONGEST_NAME].lower().encode()
    return hmac.new(settings.SECRET_KEY.encode(), typed, hashlib.sha256).hexdigest()[:16]
