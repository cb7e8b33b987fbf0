"""From when a version holds: activation now or at a time, in an emergency, and its end."""

import datetime

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from config import clock
from config.due.models import Timer
from config.due.operations import cancel, schedule, timer
from config.errors import (
    Blocked,
    Blocker,
    DomainError,
    FourEyes,
    Invalid,
    Refused,
    TransitionRefused,
)
from config.events.operations import blockers, record
from config.governance.content import concrete, content_of
from config.governance.models import (
    EMERGENCY_FROM,
    Approval,
    Decision,
    Policy,
    PolicyVersion,
    VersionState,
    verbs_from,
)
from config.governance.operations import (
    ACTIVATION_TIMER,
    activation_key,
    is_own_work,
    lock_version,
    require_person,
    require_transition,
)
from config.governance.rules import content_hash as hash_of
from config.organisation.models import User

REVIEW_TIMER = "governance.emergency_review"
REVIEW_WITHIN = datetime.timedelta(hours=24)
# A client's "now" that took a moment to arrive still means now.
_GRACE = datetime.timedelta(minutes=1)


def activation_blockers(version: PolicyVersion) -> list[Blocker]:
    """What the rooms say against it, the same for the page that asks and the operation."""
    kind = type(version).policy_kind
    return [
        *blockers("policy.activate", version),
        *blockers(f"policy.activate:{kind}", version),
    ]


@transaction.atomic
def activate[M: PolicyVersion](
    version: M, *, actor: User, at: datetime.datetime | None = None
) -> M:
    """Put an approved version in force now, or at a time to come; the one before it ends then.

    Raises `Blocked` when a guard refuses, and `Refused` (`version_superseded`) after a newer one.
    """
    lock_version(version)
    require_transition(version, VersionState.ACTIVE)
    _check_ready(version)
    if at is not None and at > clock.now():
        _promise(version, actor, at)
        return version
    if at is not None and at < clock.now() - _GRACE:
        raise Invalid("A policy can't hold from a time in the past.", field="at")
    put_in_force(version, actor, mode="regular", reason=version.change_reason)
    return version


@transaction.atomic
def activate_in_emergency[M: PolicyVersion](version: M, *, actor: User, reason: str) -> M:
    """Break-glass: in force at once, without approval; somebody else reviews it within 24 hours."""
    require_person(actor, "activate")
    lock_version(version)
    if version.state not in EMERGENCY_FROM:
        raise TransitionRefused(
            f"This version is {version.get_state_display().lower()}; it can't be activated.",
            allowed=verbs_from(version.state),
        )
    if not reason.strip():
        raise Invalid("Say what the emergency is.", field="reason")
    version.is_emergency = True
    version.content_hash = hash_of(content_of(version))
    _refuse_when_blocked(version)
    put_in_force(version, actor, mode="emergency", reason=reason.strip())
    due = clock.now() + REVIEW_WITHIN
    key = activation_key(version)
    schedule(REVIEW_TIMER, version.policy, due, key=key, version_id=version.pk)
    record("policy.emergency_review_due", version, actor=actor, reason=reason, due=due.isoformat())
    return version


@transaction.atomic
def review_emergency(version: PolicyVersion, *, actor: User, comment: str) -> None:
    """The second pair of eyes on an emergency activation, after the fact."""
    require_person(actor, "review")
    lock_version(version)
    if not awaits_review(version):
        raise Refused("There is no emergency activation to review here.", code="nothing_to_review")
    if not comment.strip():
        raise Invalid("Say what you found.", field="comment")
    if is_own_work(version, actor) or _activator(version) == actor.pk:
        raise FourEyes(
            "You wrote or activated this version; somebody else must review it.", audit=True
        )
    Approval.objects.create(
        version_id=version.pk,
        reviewer=actor,
        decision=Decision.REVIEWED,
        content_hash=version.content_hash,
        comment=comment.strip(),
    )
    cancel(REVIEW_TIMER, version.policy, key=activation_key(version))
    record("policy.emergency_reviewed", version, actor=actor, reason=comment)


@transaction.atomic
def retire[M: PolicyVersion](version: M, *, actor: User, reason: str = "") -> M:
    """End a version: one in force stops holding now, one that never held is discarded."""
    lock_version(version)
    require_transition(version, VersionState.RETIRED)
    kind = type(version).policy_kind
    if version.state == VersionState.ACTIVE:
        found = [*blockers("policy.retire", version), *blockers(f"policy.retire:{kind}", version)]
        if found:
            raise Blocked("This version is still needed.", blockers=found)
        version.in_force = _ended(version, clock.now())
    else:
        cancel(ACTIVATION_TIMER, version.policy, key=activation_key(version))
        version.activates_at = None
    version.state = VersionState.RETIRED
    version.save_as(actor, "state", "in_force", "activates_at", reason=reason)
    record("policy.retired", version, actor=actor, reason=reason)
    return version


def put_in_force(version: PolicyVersion, actor: User, *, mode: str, reason: str) -> None:
    """Let the version hold from now on and end the one before it; the caller holds the lock.

    `mode` says by which way it came: regular, timed, emergency or installation.
    """
    at = clock.now()
    _end_predecessor(version, actor, at)
    version.in_force = DateTimeTZRange(at, None, "[)")
    version.state = VersionState.ACTIVE
    fields = ("state", "in_force", "content_hash", "is_emergency")
    version.save_as(actor, *fields, reason=reason)
    record(
        "policy.activated",
        version,
        actor=actor,
        at=at,
        reason=reason,
        mode=mode,
        content_hash=version.content_hash,
    )


def _end_predecessor(version: PolicyVersion, actor: User, at: datetime.datetime) -> None:
    model = type(version)
    previous = model._base_manager.filter(
        policy_id=version.policy_id, state=VersionState.ACTIVE
    ).first()
    if previous is None:
        return
    previous.in_force = _ended(previous, at)
    previous.state = VersionState.RETIRED
    previous.save_as(actor, "state", "in_force", reason=f"Followed by version {version.number}")
    record("policy.superseded", previous, actor=actor, at=at, by=version.pk)


def _ended(version: PolicyVersion, at: datetime.datetime) -> DateTimeTZRange:
    began = version.in_force.lower
    if at == began:  # on a simulated clock: it never held
        return DateTimeTZRange(empty=True)
    if at < began:
        raise Refused(
            "The version in force began later than that; nothing can end before it began.",
            code="version_began_later",
        )
    return DateTimeTZRange(began, at, "[)")


def _check_ready(version: PolicyVersion) -> None:
    approved = version.approvals.filter(
        decision=Decision.APPROVED, content_hash=version.content_hash
    )
    if not approved.exists() or hash_of(content_of(version)) != version.content_hash:
        raise Refused(
            "The content is not the one that was approved; send it back.", code="content_changed"
        )
    newer = version.policy.versions.filter(number__gt=version.number, in_force__isnull=False)
    if newer.exists():
        raise Refused(
            "A newer version has been in force since; begin a new draft.",
            code="version_superseded",
        )
    _refuse_when_blocked(version)


def _refuse_when_blocked(version: PolicyVersion) -> None:
    if found := activation_blockers(version):
        raise Blocked("This version can't be activated yet.", blockers=found)


def _promise(version: PolicyVersion, actor: User, at: datetime.datetime) -> None:
    version.activates_at = at
    version.save_as(actor, "activates_at", reason=version.change_reason)
    key = activation_key(version)
    schedule(ACTIVATION_TIMER, version.policy, at, key=key, version_id=version.pk)
    record("policy.activation_scheduled", version, actor=actor, activates_at=at.isoformat())


@timer(ACTIVATION_TIMER)
def _activation_is_due(row: Timer, policy: Policy) -> None:
    """What was promised; what stands against it now is recorded, and the version stays approved."""
    version = concrete(PolicyVersion.objects.get(pk=row.data["version_id"]))
    if version.state != VersionState.APPROVED or version.activates_at is None:
        return
    system = User.objects.system()
    try:
        with transaction.atomic():
            lock_version(version)
            _check_ready(version)
            put_in_force(version, system, mode="timed", reason=version.change_reason)
    except DomainError as refusal:
        _give_up(version, system, refusal)


def _give_up(version: PolicyVersion, system: User, refusal: DomainError) -> None:
    lock_version(version)
    planned, version.activates_at = version.activates_at, None
    version.save_as(system, "activates_at", reason=refusal.detail)
    record(
        "policy.activation_failed",
        version,
        actor=system,
        reason=refusal.detail,
        code=refusal.public_code,
        planned=planned.isoformat() if planned else None,
        blockers=refusal.extra.get("blockers", []),
    )


@timer(REVIEW_TIMER)
def _review_is_overdue(row: Timer, policy: Policy) -> None:
    version = concrete(PolicyVersion.objects.get(pk=row.data["version_id"]))
    if awaits_review(version):
        record("policy.emergency_review_overdue", version, actor=User.objects.system())


def awaits_review(version: PolicyVersion) -> bool:
    """True after an emergency activation that nobody else has looked at."""
    was_activated = version.is_emergency and version.in_force is not None
    return was_activated and not version.approvals.filter(decision=Decision.REVIEWED).exists()


def _activator(version: PolicyVersion) -> int | None:
    """Who put it in force."""
    rows = type(version).history.filter(id=version.pk, state=VersionState.ACTIVE)
    found: int | None = rows.order_by("history_id").values_list("history_user", flat=True).first()
    return found
