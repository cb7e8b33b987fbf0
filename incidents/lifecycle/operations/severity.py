"""Changes of the severity that people ask for, and the second person who decides."""

from dataclasses import asdict
from typing import Any

from django.db import transaction

from config import clock
from config.access.visibility import may
from config.audit.tracking import lock
from config.errors import FourEyes, HumanRequired, Invalid, NotAllowed, Refused
from config.events.operations import ask
from config.organisation.models import User
from incidents.lifecycle import rules
from incidents.lifecycle.models import (
    ChangeReason,
    Incident,
    IncidentEngagement,
    ProvisionalOutcome,
    SeverityChange,
    SeverityDecision,
    Verdict,
)
from incidents.lifecycle.operations.assessing import engagement
from incidents.lifecycle.operations.duties import require_owner
from incidents.lifecycle.operations.provisional import end_provisional, open_provisional
from incidents.lifecycle.operations.reassessing import (
    checked_text,
    end_request,
    open_request,
    record_change,
    record_request,
    require_justification,
    require_open_record,
)
from incidents.taxonomy.models import Severity
from incidents.taxonomy.operations import set_off_by
from incidents.timeline.operations import record

# What a person may name; the others are the product's own words.
REASONS = tuple(
    each for each in ChangeReason if each not in (ChangeReason.COMPUTED, ChangeReason.PROVISIONAL)
)


@transaction.atomic
def change_severity(
    incident: Incident,
    *,
    actor: User,
    to: str,
    reason_code: str,
    justification: str = "",
    evidence: str = "",
) -> SeverityChange:
    """Give the incident another severity than the matrix says.

    It holds at once, but for leaving SEV1: that only asks for it, and a second person decides.
    Raises `Invalid` (`justification`) for a lower one without a word why, `NotAllowed` for a SEV1
    by somebody who doesn't command the incident, `Refused` while a request waits.
    """
    _check_words(to, reason_code)
    lock(incident)
    require_open_record(incident)
    if to == incident.severity:
        raise Refused(f"{incident.reference} is {to} already.", code="severity_same")
    change = SeverityChange(
        incident=incident,
        from_severity=incident.severity,
        to_severity=to,
        reason_code=reason_code,
        justification=checked_text(justification, "justification"),
        evidence=checked_text(evidence, "evidence"),
        needs_decision=incident.severity == rules.WORST,
        requested_by=actor,
        requested_at=clock.now(),
    )
    require_justification(change)
    if to == rules.WORST and not may(actor, "raise_to_sev1", incident):
        raise NotAllowed(
            "Only who commands the incident sets SEV1 by hand. State its impact instead, or have "
            "a provisional SEV1 declared."
        )
    if to == rules.WORST:
        require_owner("raise_to_sev1", incident, actor=actor)
    if open_request(incident) is not None:
        raise Refused(
            "A change of the severity waits for a decision; decide or withdraw it first.",
            code="severity_pending",
        )
    if change.needs_decision:
        record_request(incident, change, actor=actor)
    else:
        _apply(incident, change, actor=actor)
    return change


@transaction.atomic
def decide_severity(
    incident: Incident, *, actor: User, change: int, approve: bool, note: str = ""
) -> SeverityDecision:
    """Decide the request of that number, as somebody else than who asked for it.

    Raises `FourEyes` for who asked, and who stands in for them; `Refused` (`severity_decided`)
    where it was decided, withdrawn or overtaken meanwhile; `Invalid` without a word on a no.
    """
    if not actor.is_person:
        raise HumanRequired("Only a person can decide about a severity.", audit=True)
    lock(incident)
    require_open_record(incident)
    request = _request(incident, change)
    _check_second_person(request, actor)
    if not approve and not note.strip():
        raise Invalid("Say why the severity stays.", field="note")
    verdict = Verdict.APPROVED if approve else Verdict.REJECTED
    decision = end_request(request, verdict, actor=actor, note=checked_text(note, "note"))
    if approve:
        _carry_out(incident, request, decision)
    else:
        _record_end(incident, request, decision, "incident.severity_kept")
    return decision


@transaction.atomic
def withdraw_severity(incident: Incident, *, actor: User, reason: str = "") -> SeverityDecision:
    """Take back one's own request. Raises `Refused` without one, `NotAllowed` for another's."""
    lock(incident)
    request = open_request(incident)
    if request is None:
        raise _nothing_to_decide()
    if request.requested_by_id != actor.pk:
        raise NotAllowed("Only who asked for it withdraws it; you may decide about it instead.")
    note = checked_text(reason, "reason")
    decision = end_request(request, Verdict.WITHDRAWN, actor=actor, note=note)
    _record_end(incident, request, decision, "incident.severity_kept")
    return decision


def _check_words(to: str, reason_code: str) -> None:
    if to not in Severity.values:
        raise Invalid(f"Choose one of {', '.join(Severity.values)}.", field="to")
    if reason_code not in REASONS:
        raise Invalid(f"Choose one of {', '.join(REASONS)}.", field="reason_code")


def _request(incident: Incident, number: int) -> SeverityChange:
    request = open_request(incident)
    if request is None or request.pk != number:
        raise _nothing_to_decide()
    return request


def _nothing_to_decide() -> Refused:
    return Refused(
        "No such request waits for a decision: it was decided, withdrawn or overtaken.",
        code="severity_decided",
    )


def _check_second_person(request: SeverityChange, actor: User) -> None:
    principals = ask("access.acts_for", default=(), person=actor)
    if request.requested_by_id in {actor.pk, *principals}:
        raise FourEyes(
            "You asked for this severity; the service owner or another commander decides.",
            audit=True,
        )


def _apply(incident: Incident, change: SeverityChange, *, actor: User) -> None:
    incident.severity = change.to_severity
    incident.save_as(actor, "severity", reason=change.justification)
    version, effects = set_off_by(incident.severity, incident.unit)
    record_change(incident, change, actor=actor, effects=effects, version=version)


def _carry_out(incident: Incident, request: SeverityChange, decision: SeverityDecision) -> None:
    """The request holds: both names are in its record."""
    actor = decision.decided_by
    provisional = open_provisional(incident)
    if provisional is not None:
        end_provisional(provisional, ProvisionalOutcome.LOWERED, actor=actor)
    incident.severity = request.to_severity
    incident.save_as(actor, "severity", reason=request.justification)
    version, effects = set_off_by(incident.severity, incident.unit)
    attached = engagement(incident, effects, version, decision.decided_at)
    data = {"engagement": asdict(effects)}
    _record_end(incident, request, decision, "incident.severity_changed", attached, **data)


def _record_end(
    incident: Incident,
    request: SeverityChange,
    decision: SeverityDecision,
    kind: str,
    *along: IncidentEngagement,
    **data: Any,
) -> None:
    facts = {"from": request.from_severity, **data}
    what = f"{request.from_severity} to {request.to_severity}"
    lines = [
        f"Severity {what}: {decision.get_verdict_display().lower()}. "
        f"Asked for by {request.requested_by}, decided by {decision.decided_by}.",
        f"Justification: {request.justification}",
    ]
    if decision.note:
        lines.append(f"Note: {decision.note}")
    record(
        incident,
        kind,
        actor=decision.decided_by,
        text="\n\n".join(lines),
        reason=decision.note or request.justification,
        to=request.to_severity,
        change_id=request.pk,
        verdict=str(decision.verdict),
        requested_by=request.requested_by_id,
        decided_by=decision.decided_by_id,
        along=along,
        **facts,
    )
