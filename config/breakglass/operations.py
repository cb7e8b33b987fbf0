"""Breaking the glass, its end, and the review that is owed afterwards."""

import datetime
from collections.abc import Iterable
from typing import Any

from django.db import transaction

from config import clock
from config.access import restricted
from config.access.models import RoleAssignment
from config.access.rules import Level, Role
from config.access.separation import require_separate
from config.access.visibility import Access, require
from config.audit.tracking import lock
from config.breakglass.models import BreakGlass, Outcome
from config.breakglass.rules import REVIEW_WITHIN, REVIEWERS
from config.due.models import Channel, Timer
from config.due.operations import cancel, schedule, send_later, timer
from config.errors import FourEyes, HumanRequired, Invalid, NotAllowed, Refused
from config.events.operations import ask, record
from config.governance.in_force import setting
from config.organisation.models import Membership, User

ENDS = "breakglass.ends"
OVERDUE = "breakglass.review_overdue"
OPENED = "breakglass.opened"
KEY = "access.breakglass_minutes"


@transaction.atomic
def break_glass(*, name: str, reason: str, actor: User) -> BreakGlass:
    """Open a restricted record, by its reference, to somebody who responds where it lies.

    Its owner and compliance are told at once; it ends by itself, and stays a finding until it is
    reviewed. What lies elsewhere is not there: nobody can find out by this what exists.
    """
    if not actor.is_person:
        raise HumanRequired("Only a person breaks the glass.", audit=True)
    if not reason.strip():
        raise Invalid("Say why it can't wait.", field="reason")
    found = _record_of(name, actor)
    minutes = setting(KEY, getattr(found, "unit", None))
    now = clock.now()
    row = BreakGlass(
        person=actor,
        record_type=found._meta.label_lower,
        record_id=found.pk,
        record_name=getattr(found, restricted.name_field(type(found))),
        unit_id=getattr(found, "unit_id", None),
        reason=reason.strip(),
        opened_at=now,
        until=now + datetime.timedelta(minutes=minutes),
    )
    row.full_clean()
    row.save_as(actor, reason=reason)
    schedule(ENDS, row, row.until)
    record(OPENED, row, actor=actor, until=row.until.isoformat())
    _tell(row, OPENED, [*_owners(found), *_holding(found, REVIEWERS)])
    return row


def _record_of(name: str, actor: User) -> Any:
    """The restricted record of that name, where the actor responds; else there is none."""
    access = Access(actor)
    reached = access.containers(Level.RESPOND)
    if not (reached.everything or reached.teams or reached.services):
        raise NotAllowed("Who responds nowhere has no glass to break.", audit=True)
    for model in restricted.records():
        field = restricted.name_field(model)
        found = model._base_manager.filter(**{f"{field}__iexact": name.strip()}).first()
        if found is None or not reached.reaches(found):
            continue
        lock(found)
        if not access.conceals(found):
            raise Refused("You can open this record anyhow.", code="breakglass_not_needed")
        return found
    raise Invalid(
        "There is no restricted record of that name where you respond.", field="record", audit=True
    )


@transaction.atomic
def end_access(row: BreakGlass, *, actor: User, reason: str = "") -> BreakGlass:
    """Close it before its time; from here on its review is owed."""
    lock(row)
    if row.ended_at is not None:
        raise Refused("This access has ended already.", code="breakglass_over")
    cancel(ENDS, row)
    _end(row, clock.now(), actor, reason)
    return row


@transaction.atomic
def review_access(row: BreakGlass, *, outcome: str, finding: str, actor: User) -> BreakGlass:
    """Compliance says what it found. Never the one who broke the glass, nor who stands in."""
    lock(row)
    if not actor.is_person:
        raise HumanRequired("Only a person reviews an access.", audit=True)
    if {actor.pk, *ask("access.acts_for", default=(), person=actor)} & {row.person_id}:
        raise FourEyes("Somebody else reviews your access.", audit=True)
    require(actor, "review", row)
    require_separate("breakglass.review", row, actor=actor)
    if row.reviewed_at is not None:
        raise Refused("This access was reviewed already.", code="breakglass_reviewed")
    if row.ended_at is None and row.until > clock.now():
        raise Refused("This access has not ended yet.", code="breakglass_running")
    if outcome not in Outcome.values:
        raise Invalid(f"Choose one of {', '.join(Outcome.values)}.", field="outcome")
    if not finding.strip():
        raise Invalid("Say what you found.", field="finding")
    row.ended_at = row.ended_at or row.until
    row.outcome, row.finding = outcome, finding.strip()
    row.reviewed_by, row.reviewed_at = actor, clock.now()
    fields = ("ended_at", "outcome", "finding", "reviewed_by", "reviewed_at")
    row.save_as(actor, *fields, reason=finding)
    cancel(ENDS, row)
    cancel(OVERDUE, row)
    record("breakglass.reviewed", row, actor=actor, outcome=outcome)
    return row


@timer(ENDS)
def _time_is_over(due: Timer, row: BreakGlass) -> None:
    if row.ended_at is None:
        _end(row, row.until, User.objects.system(), "Its time is over")


@timer(OVERDUE)
def _review_is_overdue(due: Timer, row: BreakGlass) -> None:
    if row.reviewed_at is None:
        record(OVERDUE, row, actor=User.objects.system())
        found = restricted_record(row)
        _tell(row, OVERDUE, [] if found is None else _holding(found, REVIEWERS))


def _end(row: BreakGlass, at: datetime.datetime, actor: User, reason: str) -> None:
    row.ended_at = at
    row.save_as(actor, "ended_at", reason=reason)
    record("breakglass.ended", row, actor=actor, at=at)
    schedule(OVERDUE, row, at + REVIEW_WITHIN)


def restricted_record(row: BreakGlass) -> Any:
    """The record that was opened; None where it is gone."""
    found = (each for each in restricted.records() if each._meta.label_lower == row.record_type)
    model = next(found, None)
    return None if model is None else model._base_manager.filter(pk=row.record_id).first()


def _owners(found: Any) -> list[User]:
    """Who owns the service, else who leads the team."""
    owners = _holding(found, (Role.SERVICE_OWNER,))
    if owners or getattr(found, "team_id", None) is None:
        return owners
    leads = Membership.objects.filter(team_id=found.team_id, is_lead=True, user__is_active=True)
    return [each.user for each in leads.select_related("user").order_by("user_id")]


def _holding(found: Any, roles: Iterable[str]) -> list[User]:
    rows = RoleAssignment.objects.in_force().filter(role__name__in=list(roles))
    people = User.objects.people().filter(pk__in=rows.exclude(person=None).values("person_id"))
    people |= User.objects.people().filter(memberships__team__in=rows.values("team_id"))
    return [
        each
        for each in people.distinct().order_by("pk")
        if Access(each).holding(roles).reaches(found)
    ]


def _tell(row: BreakGlass, purpose: str, people: Iterable[User]) -> None:
    for person in dict.fromkeys(people):
        if person.email and person.pk != row.person_id:
            send_later(purpose, row, channel=Channel.MAIL, address=person.email)
