"""Standing in for somebody: from one day to another, and shown as 'X for Y' wherever it is used.

Who stands in has the other one's roles only while they say that they act for them; what needs a
direct grant stays closed, as need-to-know is personal. Four eyes count both as one person at all
times, whether or not it was said.
"""

import datetime

from django.db import transaction
from django.db.models import Q

from config import clock, origin
from config.access.directory import administers
from config.access.models import Delegation
from config.access.rules import Role
from config.access.separation import refuse_conflicts
from config.access.visibility import access_for
from config.audit.tracking import lock
from config.due.models import Timer
from config.due.operations import cancel, schedule, timer
from config.errors import HumanRequired, Invalid, NotAllowed, Refused
from config.events.operations import record
from config.organisation.models import User

ENDS = "access.delegation_ends"


def may_delegate(user: User) -> bool:
    """People, but for those who only audit: they write nothing but their requests."""
    access = access_for(user)
    others = [role for role in Role if role != Role.AUDITOR]
    return user.is_person and (not access.holds(Role.AUDITOR) or access.holds(*others))


@transaction.atomic
def delegate(
    *,
    delegate: User,
    until: datetime.datetime,
    reason: str,
    actor: User,
    principal: User | None = None,
    starts_at: datetime.datetime | None = None,
) -> Delegation:
    """Let somebody stand in: for oneself, or, as administrator, for somebody who is away.

    Raises `NotAllowed`, `Invalid`, and `Segregated` where both together hold what is kept apart.
    """
    principal = principal or actor
    if not actor.is_person:
        raise HumanRequired("Only people let others stand in for them.", audit=True)
    if not may_delegate(actor):
        raise NotAllowed("Auditors write nothing but their requests for evidence.", audit=True)
    if actor != principal and (actor == delegate or not administers(actor)):
        raise NotAllowed("You can let somebody stand in for yourself only.", audit=True)
    if not (principal.is_person and delegate.is_person and delegate.is_active):
        raise Invalid("Name a person whose account is active.", field="delegate")
    if until <= clock.now():
        raise Invalid("Choose a time in the future.", field="until")
    row = Delegation(
        principal=principal,
        delegate=delegate,
        starts_at=starts_at or clock.now(),
        until=until,
        reason=reason.strip(),
    )
    row.full_clean()
    lock(delegate)
    refuse_conflicts("delegation.give", row, field="delegate")
    row.save_as(actor, reason=reason)
    record("delegation.given", row, actor=actor, reason=reason, until=until.isoformat())
    schedule(ENDS, row, until)
    return row


@transaction.atomic
def revoke_delegation(row: Delegation, *, actor: User, reason: str) -> None:
    """End it now: by either of the two, or by an administrator."""
    lock(row)
    if actor.pk not in (row.principal_id, row.delegate_id) and not administers(actor):
        raise NotAllowed("Either of the two ends it, or an administrator.", audit=True)
    if row.revoked_at is not None or row.until <= clock.now():
        raise Refused("This delegation is over already.", code="delegation_over")
    if not reason.strip():
        raise Invalid("Say why it ends.", field="reason")
    row.revoked_at = clock.now()
    row.save_as(actor, "revoked_at", reason=reason)
    cancel(ENDS, row)
    record("delegation.revoked", row, actor=actor, reason=reason)


@timer(ENDS)
def _delegation_ends(due: Timer, row: Delegation) -> None:
    if row.revoked_at is None:
        record("delegation.ended", row, actor=User.objects.system(), at=row.until)


def principals_of(person: User) -> tuple[int, ...]:
    """The keys of those for whom the person stands in now."""
    rows = Delegation.objects.in_force().filter(delegate=person)
    return tuple(rows.values_list("principal_id", flat=True).distinct())


@transaction.atomic
def begin_to_act(row: Delegation, *, actor: User) -> Delegation:
    """Say that from now on one acts for the other; a session keeps it until it is taken back."""
    if row.delegate_id != actor.pk or not Delegation.objects.in_force().filter(pk=row.pk).exists():
        raise _missing()
    record("delegation.used", row, actor=actor)
    return row


def stop_acting(row: Delegation, *, actor: User) -> Delegation:
    """Act for oneself again: the session forgets it, and nothing else changes."""
    return row


def act_for(person: User, username: str) -> None:
    """For the rest of this request the person acts for that one. Raises `NotAllowed`."""
    rows = Delegation.objects.in_force().filter(delegate=person).select_related("principal")
    _stand_in(rows.filter(principal__username__iexact=username).first())


def act_by(person: User, pk: int) -> None:
    """The same by the delegation itself, as a session keeps it."""
    rows = Delegation.objects.in_force().filter(delegate=person).select_related("principal")
    _stand_in(rows.filter(Q(pk=pk)).first())


def _stand_in(row: Delegation | None) -> None:
    if row is None:
        raise _missing()
    origin.stand_in(
        origin.StandIn(
            row.delegate_id, row.principal_id, row.principal.username, str(row.principal)
        )
    )


def _missing() -> NotAllowed:
    return NotAllowed(
        "You don't stand in for them now; ask them for a delegation, or act for yourself.",
        code="delegation_missing",
        audit=True,
    )
