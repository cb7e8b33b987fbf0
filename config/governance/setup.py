"""Set-up mode: while there is one approver, that one may approve versions of their own.

It ends with the second approver and never returns: it asks who has ever been one, and rows
that say so are evidence, which only grows.
"""

from django.db import models

from config import clock
from config.access.models import RoleAssignment
from config.access.rules import Role
from config.events.models import Event
from config.events.operations import record
from config.organisation.models import Membership, User, UserKind

ENDED = "governance.setup_ended"
NEEDED = 2


def is_setup_mode() -> bool:
    """True until a second person has become an approver."""
    return not _has_ended() and len(approvers_ever()) < NEEDED


def note_end(actor: User) -> None:
    """Record, once, that set-up mode is over."""
    if not _has_ended() and len(approvers_ever()) >= NEEDED:
        record(ENDED, None, actor=actor, reason="A second approver exists.")


def approvers_ever() -> set[int]:
    """Everybody who can approve, or ever could: by role, through a team, as superuser."""
    assignments = RoleAssignment.objects.filter(
        role__name=Role.POLICY_APPROVER, starts_at__lte=clock.now()
    ).exclude(revoked_at__lte=models.F("starts_at"))
    members = Membership.history.filter(team_id__in=assignments.values("team_id"))
    people = User.objects.filter(
        models.Q(is_superuser=True)
        | models.Q(pk__in=User.history.filter(is_superuser=True).values("id"))
        | models.Q(pk__in=assignments.values("person_id"))
        | models.Q(pk__in=members.values("user_id")),
        kind=UserKind.PERSON,
    )
    return set(people.values_list("pk", flat=True))


def _has_ended() -> bool:
    return Event.objects.filter(kind=ENDED).exists()
