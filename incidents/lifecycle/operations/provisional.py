"""A SEV1 for the time being: declared while the impact is unclear, and decided in time."""

import datetime

from django.db import transaction

from config import clock
from config.access.visibility import Access, access_for
from config.audit.tracking import lock
from config.due.operations import cancel, schedule
from config.errors import FourEyes, Invalid, NotAllowed, Refused
from config.events.operations import ask
from config.governance.in_force import setting
from config.organisation.models import User
from incidents.lifecycle import rules
from incidents.lifecycle.models import (
    ChangeReason,
    Incident,
    ProvisionalOutcome,
    ProvisionalSeverity,
    SeverityChange,
)
from incidents.lifecycle.operations.duties import require_owner
from incidents.lifecycle.operations.reassessing import (
    checked_text,
    open_request,
    record_change,
    require_justification,
    require_open_record,
)
from incidents.taxonomy.models import Severity
from incidents.taxonomy.operations import set_off_by
from incidents.timeline.operations import record

TIMER = "severity.provisional"


@transaction.atomic
def declare_provisional(incident: Incident, *, actor: User, justification: str) -> Incident:
    """Call it a SEV1 while nobody knows the impact yet; it must be decided in time.

    For holders of a role of `severity.provisional_roles` alone: `NotAllowed`. `Refused` where it
    is a SEV1 already.
    """
    lock(incident)
    _check_authority(incident, actor)
    require_owner("declare_provisional", incident, actor=actor)
    if not incident.is_open:
        raise Refused(
            f"{incident.reference} is {incident.state}; only what is open can be provisional.",
            code="incident_over",
        )
    words = checked_text(justification, "justification")
    if not words:
        raise Invalid("Say what is unclear, and why it may be a SEV1.", field="justification")
    if incident.severity == rules.WORST:
        raise _declared(incident)
    now = clock.now()
    change = SeverityChange(
        incident=incident,
        from_severity=incident.severity,
        to_severity=rules.WORST,
        reason_code=ChangeReason.PROVISIONAL,
        justification=words,
        requested_by=actor,
        requested_at=now,
    )
    _move(incident, change, actor=actor)
    minutes = setting("severity.provisional_minutes", unit=incident.unit)
    provisional = ProvisionalSeverity(
        incident=incident,
        declared_by=actor,
        declared_at=now,
        justification=words,
        minutes=minutes,
        until=rules.provisional_until(now, minutes),
    )
    provisional.save_as(actor, reason=words)
    schedule(TIMER, incident, provisional.until)
    _record(provisional, "provisional_declared", f"It must be decided {_by(provisional)}.", actor)
    return incident


@transaction.atomic
def confirm_provisional(incident: Incident, *, actor: User, justification: str = "") -> Incident:
    """The impact is what was feared: it is a SEV1."""
    provisional = _locked(incident)
    require_owner("confirm_provisional", incident, actor=actor)
    words = checked_text(justification, "justification")
    end_provisional(provisional, ProvisionalOutcome.CONFIRMED, actor=actor, reason=words)
    text = "The provisional SEV1 is confirmed."
    _record(provisional, "provisional_confirmed", text, actor, words)
    return incident


@transaction.atomic
def lower_provisional(
    incident: Incident, *, actor: User, to: str, justification: str, evidence: str = ""
) -> Incident:
    """It was less than feared. For somebody else than who declared it: `FourEyes`."""
    provisional = _locked(incident)
    require_owner("lower_provisional", incident, actor=actor)
    if to not in Severity.values or to == rules.WORST:
        raise Invalid("Choose one of SEV2, SEV3, SEV4.", field="to")
    principals = ask("access.acts_for", default=(), person=actor)
    if provisional.declared_by_id in {actor.pk, *principals}:
        raise FourEyes(
            "You declared this SEV1; somebody else lowers it. Ask for a change of the severity.",
            audit=True,
        )
    if open_request(incident) is not None:
        raise Refused(
            "A change of the severity waits for a decision; decide that one.",
            code="severity_pending",
        )
    change = SeverityChange(
        incident=incident,
        from_severity=incident.severity,
        to_severity=to,
        reason_code=ChangeReason.MISJUDGED,
        justification=checked_text(justification, "justification"),
        evidence=checked_text(evidence, "evidence"),
        was_provisional=True,
        requested_by=actor,
        requested_at=clock.now(),
    )
    require_justification(change)
    reason = change.justification
    end_provisional(provisional, ProvisionalOutcome.LOWERED, actor=actor, reason=reason)
    _move(incident, change, actor=actor)
    return incident


@transaction.atomic
def extend_provisional(incident: Incident, *, actor: User, reason: str) -> Incident:
    """Give it once more the same time, from when it would have ended. Refused a second time."""
    provisional = _locked(incident)
    require_owner("extend_provisional", incident, actor=actor)
    if provisional.extended_at is not None:
        raise Refused(
            f"It was extended already, until {provisional.until:%Y-%m-%d %H:%M} UTC; confirm or "
            "lower it.",
            code="provisional_extended",
        )
    words = checked_text(reason, "reason")
    if not words:
        raise Invalid("Say what is still unclear.", field="reason")
    # Where it is overdue, the time begins now: an extension that is over at once would be none.
    begins = max(provisional.until, clock.now())
    provisional.until = rules.provisional_until(begins, provisional.minutes)
    provisional.extended_by, provisional.extended_at = actor, clock.now()
    provisional.escalated_at = None
    fields = ("until", "extended_by", "extended_at", "escalated_at")
    provisional.save_as(actor, *fields, reason=words)
    schedule(TIMER, incident, provisional.until)
    text = f"The provisional SEV1 is extended once; it must be decided {_by(provisional)}."
    _record(provisional, "provisional_extended", text, actor, words)
    return incident


def escalate_overdue(incident: Incident, at: datetime.datetime) -> bool:
    """Nobody decided in time: say so once, and have it escalated. The caller holds the lock."""
    provisional = open_provisional(incident) if incident.is_open else None
    if provisional is None or provisional.escalated_at is not None or provisional.until > at:
        return False
    system = User.objects.system()
    provisional.escalated_at = clock.now()
    provisional.save_as(system, "escalated_at")
    text = f"The provisional SEV1 is overdue: it had to be decided {_by(provisional)}."
    _record(provisional, "provisional_overdue", text, system)
    return True


def sweep(as_of: datetime.datetime) -> int:
    """The repair of what the timers promise: escalate all that are overdue. How many there were."""
    found = 0
    late = ProvisionalSeverity.objects.overdue(as_of).filter(escalated_at__isnull=True)
    for incident in Incident.objects.filter(pk__in=late.values("incident")).order_by("pk"):
        with transaction.atomic():
            found += escalate_overdue(lock(incident), as_of)
    return found


def open_provisional(incident: Incident) -> ProvisionalSeverity | None:
    """The provisional severity that waits for a decision."""
    rows = incident.provisionals.undecided().select_related("declared_by", "extended_by")
    found: ProvisionalSeverity | None = rows.first()
    if found is not None:
        found.incident = incident
    return found


def end_provisional(
    provisional: ProvisionalSeverity,
    outcome: ProvisionalOutcome,
    *,
    actor: User,
    reason: str = "",
) -> None:
    """Write down how it ended, and take back its timer."""
    provisional.outcome = outcome
    provisional.ended_by, provisional.ended_at = actor, clock.now()
    provisional.save_as(actor, "outcome", "ended_by", "ended_at", reason=reason)
    cancel(TIMER, provisional.incident)


def _locked(incident: Incident) -> ProvisionalSeverity:
    lock(incident)
    require_open_record(incident)
    provisional = open_provisional(incident)
    if provisional is None:
        raise Refused(f"{incident.reference} is not provisional.", code="provisional_none")
    return provisional


def may_declare(access: Access, incident: Incident) -> bool:
    """Whether somebody holds one of the listed roles where the incident lies."""
    if isinstance(access.user, User) and access.user.is_superuser:
        return True
    listed = setting("severity.provisional_roles", unit=incident.unit)
    return access.holding(listed).reaches(incident)


def _check_authority(incident: Incident, actor: User) -> None:
    if not may_declare(access_for(actor), incident):
        raise NotAllowed(
            "You aren't listed to declare a provisional SEV1; ask the duty manager or a commander.",
            code="provisional_not_listed",
            audit=True,
        )


def _declared(incident: Incident) -> Refused:
    if incident.provisionals.undecided().exists():
        return Refused(
            f"{incident.reference} is provisional already; confirm, lower or extend it.",
            code="provisional_declared",
        )
    return Refused(f"{incident.reference} is SEV1 already.", code="severity_same")


def _move(incident: Incident, change: SeverityChange, *, actor: User) -> None:
    incident.severity = change.to_severity
    incident.save_as(actor, "severity", reason=change.justification)
    version, effects = set_off_by(incident.severity, incident.unit)
    record_change(incident, change, actor=actor, effects=effects, version=version)


def _by(provisional: ProvisionalSeverity) -> str:
    return f"by {provisional.until:%Y-%m-%d %H:%M} UTC"


def _record(
    provisional: ProvisionalSeverity, what: str, text: str, actor: User, reason: str = ""
) -> None:
    record(
        provisional.incident,
        f"incident.{what}",
        actor=actor,
        text=f"{text}\n\nReason: {reason}" if reason else text,
        reason=reason,
        provisional_id=provisional.pk,
        until=provisional.until.isoformat(),
    )
