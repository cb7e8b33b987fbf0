"""Restricted incidents: only those who are let in know of them."""

from django.contrib.auth.models import Permission
from django.db import transaction
from guardian.models import UserObjectPermission

from config.access.visibility import content_type_of, let_in_to, require
from config.audit.tracking import lock
from config.errors import Invalid
from config.organisation.models import User
from incidents.lifecycle.models import Incident
from incidents.timeline.operations import record


@transaction.atomic
def let_in(incident: Incident, user: User, *, actor: User, reason: str = "") -> bool:
    """Let somebody see the incident, restricted or not; what they may do follows from their roles.

    False, and nothing recorded, for somebody who is in already.
    """
    lock(incident)
    if not user.is_active:
        raise Invalid("This account is not active.", field="user")
    return admit(incident, user, actor=actor, reason=reason)


def admit(incident: Incident, user: User, *, actor: User, reason: str = "") -> bool:
    """Grant and record, in the transaction of a caller who holds the lock."""
    content_type = content_type_of(Incident)
    permission = Permission.objects.get(content_type=content_type, codename="view_incident")
    _, is_new = UserObjectPermission.objects.get_or_create(
        user=user, content_type=content_type, permission=permission, object_pk=str(incident.pk)
    )
    if is_new:
        record(
            incident,
            "incident.let_in",
            actor=actor,
            text=f"{user} was let in.",
            reason=reason,
            user_id=user.pk,
        )
    return is_new


def let_in_those_of(incident: Incident, earlier: Incident, *, actor: User) -> None:
    """Whoever was let into the earlier incident is let into this one, which follows it.

    No line of this one names the other: its restriction may be lifted while that one's stands.
    """
    for user in User.objects.filter(pk__in=let_in_to(earlier), is_active=True).order_by("pk"):
        admit(incident, user, actor=actor)


def restrict(incident: Incident, *, actor: User, reason: str = "") -> None:
    """Let in those who are at work on it: the actor, and whoever acknowledged."""
    admit(incident, actor, actor=actor, reason=reason)
    if incident.acknowledged_by is not None:
        admit(incident, incident.acknowledged_by, actor=actor, reason=reason)


def check_unrestrict(incident: Incident, actor: User) -> None:
    """Only who commands the incident may open it to everybody. Raises `NotAllowed`."""
    require(actor, "unrestrict", incident)
