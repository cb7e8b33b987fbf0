"""What the matrix keeps apart, asked by all floors; and exceptions: asked for, decided, ended."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from django.db import models, transaction

from config import clock
from config.access.models import RoleAssignment
from config.access.rules import Role, label_of
from config.access.separation import find_act, require_separate
from config.access.visibility import Access
from config.audit.tracking import lock
from config.due.models import Timer
from config.due.operations import cancel, schedule, timer
from config.duties.models import DutyException, ExceptionState, SegregationVersion
from config.duties.rules import (
    ASKERS,
    MATRIX_KEY,
    MATRIX_TITLE,
    Pairs,
    apart_from,
    covers,
    pairs_of,
    shipped_act_pairs,
    shipped_role_pairs,
)
from config.errors import Blocker, FourEyes, HumanRequired, Invalid, NotAllowed, Refused
from config.events.models import Event
from config.events.operations import ask, record
from config.governance.in_force import active
from config.governance.models import Freedom
from config.governance.seeding import seed_policy
from config.organisation.models import User, UserKind

ENDS = "duties.exception_ends"


@dataclass(frozen=True)
class Matrix:
    """What a version keeps apart, ready to be asked."""

    roles: Pairs = frozenset()
    acts: Pairs = frozenset()


_NOTHING = Matrix()


def matrix() -> Matrix:
    """The matrix in force; nothing is kept apart before there is one."""
    version: SegregationVersion | None = active(SegregationVersion.policy_kind, MATRIX_KEY)
    return _NOTHING if version is None else _frozen(version.pk, version.content_hash)


@lru_cache(maxsize=64)
def _frozen(pk: int, content_hash: str) -> Matrix:
    # Active versions never change, and the hash names the content in whatever database.
    return matrix_of(SegregationVersion.objects.get(pk=pk))


def matrix_of(version: SegregationVersion) -> Matrix:
    """What a version says, read now."""
    return Matrix(
        roles=pairs_of(version.role_pairs.values_list("first", "second")),
        acts=pairs_of(version.act_pairs.values_list("first", "second")),
    )


def seed_matrix(actor: User) -> SegregationVersion | None:
    """Version 1 as shipped. It holds for every unit; later runs propose what is new in it."""
    parts = {"role_pairs": shipped_role_pairs(), "act_pairs": shipped_act_pairs()}
    return seed_policy(
        SegregationVersion,
        MATRIX_KEY,
        title=MATRIX_TITLE,
        actor=actor,
        parts=parts,
        freedom=Freedom.LOCKED,
    )


# Acts on one record


def conflict_of(act: str, record: models.Model, actor: User) -> str | None:
    """Why the actor can't do this to the record: what they, or who they stand in for, did to it."""
    kinds = {
        kind: other
        for name in apart_from(matrix().acts, act)
        if (other := find_act(name)) is not None
        for kind in other.kinds
    }
    if not kinds:
        return None
    people = {actor.pk, *ask("access.acts_for", default=(), person=actor)}
    done = Event.objects.filter(
        subject_type=record._meta.label_lower,
        subject_id=record.pk,
        kind__in=kinds,
        actor_id__in=people,
    ).first()
    if done is None:
        return None
    who = "You" if done.actor_id == actor.pk else f"{done.actor}, for whom you act,"
    return f"{who} did '{kinds[done.kind].label}' here; somebody else must do this."


# Roles held together


@dataclass(frozen=True)
class Held:
    """A role that somebody holds, or will hold, and for how long."""

    role: str
    starts_at: datetime.datetime
    until: datetime.datetime | None


def roles_of(person: User, *, apart: RoleAssignment | None = None) -> list[Held]:
    """What the person holds or will hold: by themselves, by a team, by standing in for others."""
    principals = ask("access.acts_for", default=(), person=person)
    rows = (
        RoleAssignment.objects.held_by(person.pk, *principals)
        .filter(revoked_at__isnull=True)
        .exclude(until__lte=clock.now())
    )
    if apart is not None and apart.pk is not None:
        rows = rows.exclude(pk=apart.pk)
    return [Held(row.role.name, row.starts_at, row.until)
            for row in rows.select_related("role")]  # fmt: skip


def conflicts_with(person: User, wanted: Held, held: list[Held]) -> Iterator[Blocker]:
    """For each role that may not go together with the wanted one: who holds which."""
    apart = apart_from(matrix().roles, wanted.role)
    for other in held:
        if other.role in apart and _meet(wanted, other) and not _excepted(person, wanted, other):
            yield Blocker(
                "segregation_of_duties",
                f"{person} holds {label_of(other.role)}, which is kept apart from "
                f"{label_of(wanted.role)}; take that back first, or ask compliance for a dated "
                "exception and give the role until its end.",
            )


def _meet(one: Held, other: Held) -> bool:
    return (one.until is None or other.starts_at < one.until) and (
        other.until is None or one.starts_at < other.until
    )


def _excepted(person: User, wanted: Held, other: Held) -> bool:
    pair = {wanted.role, other.role}
    rows = DutyException.objects.filter(person=person, state=ExceptionState.APPROVED)
    ends = [each for each in (wanted.until, other.until) if each is not None]
    until = min(ends) if ends else None
    begins = max(wanted.starts_at, other.starts_at)
    return any(
        covers(row.starts_at, row.until, from_=begins, until=until)
        for row in rows.filter(first__in=pair, second__in=pair)
    )


@dataclass(frozen=True)
class Conflict:
    """Somebody who holds two roles that are kept apart, now; `exception` allows it, if any."""

    person: User
    first: str
    second: str
    exception: DutyException | None


def conflicts_now() -> list[Conflict]:
    """Everybody who holds a pair at this moment: also those from before the matrix said so."""
    pairs = matrix().roles
    if not pairs:
        return []
    held: dict[User, set[str]] = {}
    kinds = (UserKind.PERSON, UserKind.SERVICE_ACCOUNT)
    rows = RoleAssignment.objects.in_force().filter(role__name__in=frozenset().union(*pairs))
    for row in rows.select_related("role", "person", "team"):
        people = [row.person] if row.person else list(row.team.members.all())  # type: ignore[union-attr]  # one of both
        for person in people:
            if person.kind in kinds:
                held.setdefault(person, set()).add(row.role.name)
    allowed = {
        (row.person_id, frozenset((row.first, row.second))): row
        for row in DutyException.objects.running()
    }
    return [
        Conflict(person, min(pair), max(pair), allowed.get((person.pk, pair)))
        for person, roles in sorted(held.items(), key=lambda item: item[0].username)
        for pair in sorted(pairs, key=sorted)
        if pair <= roles
    ]


# Exceptions


@transaction.atomic
def request_exception(
    *,
    person: User,
    first: str,
    second: str,
    until: datetime.datetime,
    reason: str,
    actor: User,
    starts_at: datetime.datetime | None = None,
) -> DutyException:
    """Ask compliance to let one person hold two roles that are kept apart, for a time.

    Raises `NotAllowed` for who gives no roles, `Refused` where the matrix allows the pair anyhow.
    """
    if not (actor.is_superuser or Access(actor).holds(*ASKERS)):
        raise NotAllowed("Exceptions are asked for by those who give roles.", audit=True)
    if frozenset((first, second)) not in matrix().roles:
        raise Refused(
            "The matrix does not keep these roles apart; no exception is needed.",
            code="exception_not_needed",
            field="second",
        )
    if until <= clock.now():
        raise Invalid("Choose a time in the future.", field="until")
    row = DutyException(
        person=person,
        first=first,
        second=second,
        starts_at=starts_at or clock.now(),
        until=until,
        reason=reason.strip(),
        requested_by=actor,
    )
    row.full_clean()
    row.save_as(actor, reason=reason)
    record("duties.exception_requested", row, actor=actor, reason=reason)
    return row


@transaction.atomic
def approve_exception(row: DutyException, *, actor: User, reason: str = "") -> DutyException:
    """Compliance lets it be, until its end; neither who asked nor whom it is for may say so."""
    _decide(row, ExceptionState.APPROVED, actor, reason)
    schedule(ENDS, row, row.until)
    return row


@transaction.atomic
def refuse_exception(row: DutyException, *, actor: User, reason: str) -> DutyException:
    """Compliance says no, and why."""
    if not reason.strip():
        raise Invalid("Say why the exception is refused.", field="reason")
    return _decide(row, ExceptionState.REFUSED, actor, reason)


@transaction.atomic
def end_exception(row: DutyException, *, actor: User, reason: str) -> DutyException:
    """Compliance takes it back before its end; who still holds both roles is listed from then."""
    lock(row)
    _require_compliance(actor)
    if row.state != ExceptionState.APPROVED:
        raise Refused("This exception does not run.", code="exception_not_running")
    if not reason.strip():
        raise Invalid("Say why it ends.", field="reason")
    cancel(ENDS, row)
    _end(row, actor, reason)
    return row


def _decide(row: DutyException, state: ExceptionState, actor: User, reason: str) -> DutyException:
    lock(row)
    _require_compliance(actor)
    people = {actor.pk, *ask("access.acts_for", default=(), person=actor)}
    if people & {row.requested_by_id, row.person_id}:
        raise FourEyes("Somebody else in compliance decides about this one.", audit=True)
    if row.state != ExceptionState.REQUESTED:
        raise Refused(
            f"This exception is {row.get_state_display().lower()} already.",
            code="exception_decided",
        )
    require_separate("exception.decide", row, actor=actor)
    row.state, row.decided_by, row.decided_at = state, actor, clock.now()
    row.decision_reason = reason.strip()
    row.save_as(actor, "state", "decided_by", "decided_at", "decision_reason", reason=reason)
    record(f"duties.exception_{state.value}", row, actor=actor, reason=reason)
    return row


def _require_compliance(actor: User) -> None:
    if not actor.is_person:
        raise HumanRequired("Only a person decides about an exception.", audit=True)
    # By role alone: being a superuser makes nobody compliance.
    if not Access(actor).holding((Role.COMPLIANCE_OFFICER,)).everything:
        raise NotAllowed("Exceptions are decided by a compliance officer.", audit=True)


def _end(row: DutyException, actor: User, reason: str) -> None:
    row.state = ExceptionState.ENDED
    row.save_as(actor, "state", reason=reason)
    record("duties.exception_ended", row, actor=actor, reason=reason)


@timer(ENDS)
def _exception_ends(due: Timer, row: DutyException) -> None:
    if row.state == ExceptionState.APPROVED:
        _end(row, User.objects.system(), "Its time is over")
