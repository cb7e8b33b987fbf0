"""Adding, verifying, testing and removing the addresses of a person."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.db import transaction
from django.db.models import Count

from config import clock
from config.access.visibility import access_for
from config.audit.tracking import lock
from config.due.models import Channel
from config.due.operations import send_later
from config.errors import Invalid, NotAllowed, Refused
from config.events.operations import record
from config.organisation.models import User
from escalation.responders import rules
from escalation.responders.models import ADMINISTRATORS, ContactMethod

EDITABLE = ("position",)
WRONG_CODE = "This code is wrong or too old. Ask for a fresh one."


@transaction.atomic
def add_contact_method(
    user: User, *, channel: str, address: str, actor: User, position: int = 1
) -> ContactMethod:
    """Write down an address and send it a code; it isn't used before the code comes back.

    Raises `Invalid` (field `address` or `channel`) and `NotAllowed` for somebody else's list.
    """
    _require_own(user, actor)
    method = ContactMethod(
        user=user, channel=channel, address=_checked(channel, address), position=position
    )
    _renew_code(method)
    method.full_clean()
    method.save_as(actor)
    record("contact.added", method, actor=actor, user_id=user.pk)
    _send("contact.code", method)
    return method


@transaction.atomic
def edit_contact_method(
    method: ContactMethod, *, actor: User, changes: Mapping[str, Any], reason: str = ""
) -> ContactMethod:
    """Change when it is tried; another address is another contact method, to be verified."""
    _require_own(method.user, actor)
    lock(method)
    _require_kept(method)
    for name, value in changes.items():
        if name not in EDITABLE:
            raise Invalid(f"'{name}' can't be edited; add another address.", field=name)
        setattr(method, name, value)
    method.full_clean()
    method.save_as(actor, *changes, reason=reason)
    record("contact.edited", method, actor=actor, reason=reason, user_id=method.user_id)
    return method


@transaction.atomic
def resend_code(method: ContactMethod, *, actor: User) -> None:
    """Send a fresh code, at most one a minute. Raises `Refused` when it is verified already."""
    _require_own(method.user, actor)
    lock(method)
    _require_kept(method)
    if method.verified_at is not None:
        raise Refused("This address is verified already.", code="contact_verified")
    sent_at = method.code_expires_at and method.code_expires_at - rules.CODE_LIFETIME
    if sent_at and clock.now() < sent_at + rules.CODE_INTERVAL:
        raise Refused(
            "A code was sent less than a minute ago; wait for it.", code="contact_code_recent"
        )
    _renew_code(method)
    method.save_as(actor, "code_expires_at")
    _send("contact.code", method)


@transaction.atomic
def verify(method: ContactMethod, *, code: str, actor: User) -> None:
    """Accept the code that was sent. Raises `Invalid` for a wrong one and for one too old."""
    _require_own(method.user, actor)
    lock(method)
    _require_kept(method)
    if method.verified_at is not None:
        return
    expires_at = method.code_expires_at
    fresh = expires_at is not None and clock.now() < expires_at
    if not (fresh and rules.is_same_code(code, code_of(method))):
        raise Invalid(WRONG_CODE, field="code")
    method.verified_at, method.code_expires_at = clock.now(), None
    method.save_as(actor, "verified_at", "code_expires_at")
    record("contact.verified", method, actor=actor, user_id=method.user_id)


def code_of(method: ContactMethod) -> str:
    """The code that verifies the address now; empty where none was asked for."""
    if method.code_expires_at is None:
        return ""
    return rules.code_for(settings.SECRET_KEY.encode(), method.pk, method.code_expires_at)


@transaction.atomic
def trust_contact_method(method: ContactMethod, *, actor: User, reason: str) -> None:
    """Mark as verified without a code: for addresses that the directory vouches for (imports)."""
    if not reason.strip():
        raise Invalid("Say who vouches for the address.", field="reason")
    lock(method)
    _require_kept(method)
    method.verified_at, method.code_expires_at = clock.now(), None
    method.save_as(actor, "verified_at", "code_expires_at", reason=reason)
    record("contact.verified", method, actor=actor, reason=reason, user_id=method.user_id)


@transaction.atomic
def remove_contact_method(method: ContactMethod, *, actor: User, reason: str = "") -> None:
    """Stop using the address; it stays in the records of pages that went there."""
    _require_own(method.user, actor)
    lock(method)
    _require_kept(method)
    method.removed_at = clock.now()
    method.save_as(actor, "removed_at", reason=reason)
    record("contact.removed", method, actor=actor, reason=reason, user_id=method.user_id)


@transaction.atomic
def send_test_page(method: ContactMethod, *, actor: User) -> None:
    """Send a page that says it is a test. Raises `Refused` for an address that isn't verified."""
    _require_own(method.user, actor)
    lock(method)
    _require_kept(method)
    if method.verified_at is None:
        raise Refused(
            "Verify the address first; the code was sent to it.", code="contact_unverified"
        )
    record("contact.tested", method, actor=actor, user_id=method.user_id)
    _send("contact.test", method)


def usable_methods(users: Iterable[User]) -> dict[int, list[ContactMethod]]:
    """The addresses by which each of them may be reached, in the order of their wish."""
    found: dict[int, list[ContactMethod]] = {user.pk: [] for user in users}
    for method in ContactMethod.objects.usable().filter(user__in=found):
        found[method.user_id].append(method)
    return found


def verified_counts(users: Iterable[User]) -> dict[int, int]:
    """How many verified addresses each of them has: with fewer than two, one fault silences all."""
    ids = {user.pk for user in users}
    rows = ContactMethod.objects.usable().filter(user__in=ids).order_by().values("user")
    found = {row["user"]: row["many"] for row in rows.annotate(many=Count("pk"))}
    return {pk: found.get(pk, 0) for pk in ids}


def _require_own(user: User, actor: User) -> None:
    allowed = actor == user or actor.is_superuser
    if not (allowed or access_for(actor).holding(ADMINISTRATORS).everything):
        raise NotAllowed("You can only change your own contact methods.", audit=True)


def _require_kept(method: ContactMethod) -> None:
    if method.removed_at is not None:
        raise Refused("This address was removed already.", code="contact_removed")


def _checked(channel: str, address: str) -> str:
    address = address.strip()
    try:
        if channel == Channel.MAIL:
            validate_email(address)
        elif channel == Channel.WEBHOOK:
            URLValidator(schemes=["https", "http"])(address)
        else:
            raise Invalid(f"'{channel}' is no channel: use mail or webhook.", field="channel")
    except ValidationError as error:
        raise Invalid(error.messages[0], field="address") from error
    return address


def _renew_code(method: ContactMethod) -> None:
    method.code_expires_at = clock.now() + rules.CODE_LIFETIME


def _send(purpose: str, method: ContactMethod) -> None:
    send_later(purpose, method, channel=Channel(method.channel), address=method.address)
