"""Asking the matrix again: what follows for a severity when the impact is another."""

import datetime
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import transaction

from config import clock
from config.audit.tracking import append, lock
from config.errors import Invalid, Refused
from config.organisation.models import BusinessUnit, User
from incidents.lifecycle import rules
from incidents.lifecycle.models import (
    ChangeReason,
    Incident,
    SeverityChange,
    SeverityDecision,
    Verdict,
)
from incidents.lifecycle.operations.assessing import (
    assess,
    check_measured,
    engagement,
    facts_of,
    kept,
)
from incidents.taxonomy.models import SeverityTableVersion
from incidents.taxonomy.operations import Classified, Effects
from incidents.timeline.operations import record

TEXT_LIMIT = 10_000


@dataclass
class Reassessment:
    """What another assessment means: fields to save with the caller's, then what to record."""

    found: Classified
    fields: dict[str, Any]
    change: SeverityChange | None = None
    overtaken: SeverityChange | None = None
    at: datetime.datetime = field(default_factory=clock.now)

    def record(self, incident: Incident, *, actor: User) -> None:
        """After the incident was saved: the change that follows, and the request that it ends."""
        if self.overtaken is not None:
            _record_overtaken(incident, self.overtaken, actor=actor)
        if self.change is not None and self.change.needs_decision:
            record_request(incident, self.change, actor=actor)
        elif self.change is not None:
            record_change(
                incident,
                self.change,
                actor=actor,
                effects=self.found.effects,
                version=self.found.version,
            )


@transaction.atomic
def revise_impact(
    incident: Incident,
    *,
    actor: User,
    changes: Mapping[str, Any],
    justification: str = "",
    evidence: str = "",
) -> Incident:
    """State the measured impact anew; the matrix is asked again, and the severity follows.

    Raises `Invalid` for a value that can't be, and (`justification`) where the severity would get
    lower without one. Leaving SEV1 only asks for it: a second person decides.
    """
    check_measured(changes)
    lock(incident)
    require_open_record(incident)
    facts = facts_of(incident)
    diffs = {name: value for name, value in changes.items() if facts[name] != value}
    if not diffs:
        return incident
    again = reassess(
        incident,
        {**facts, **diffs},
        actor=actor,
        justification=justification,
        evidence=evidence,
    )
    described = [{"field": name, "old": facts[name], "new": value} for name, value in diffs.items()]
    saved = diffs | again.fields
    for name, value in saved.items():
        setattr(incident, name, value)
    incident.save_as(actor, *saved, reason=justification.strip())
    record(
        incident,
        "incident.impact_revised",
        actor=actor,
        text=_revised(incident, diffs, justification),
        reason=justification.strip(),
        changes=described,
        computed=incident.computed_severity,
    )
    again.record(incident, actor=actor)
    return incident


def reassess(
    incident: Incident,
    facts: Mapping[str, Any],
    *,
    actor: User,
    unit: BusinessUnit | None = None,
    justification: str = "",
    evidence: str = "",
    field: str = "justification",
) -> Reassessment:
    """What the matrix says of these facts, and whether the severity follows. Saves nothing.

    A provisional severity follows only a decision; so does one that a person had set, unless the
    matrix gets worse than it. `field` is where a missing justification is asked for.
    """
    found = assess(facts, unit=unit or incident.unit)
    again = Reassessment(found, kept(found))
    pending = open_request(incident)
    target = _target(incident, str(found.severity), pending)
    if pending is not None and _is_overtaken(pending, target):
        again.overtaken = pending
    if target == incident.severity or (pending is not None and again.overtaken is None):
        return again
    again.change = SeverityChange(
        incident=incident,
        from_severity=incident.severity,
        to_severity=target,
        reason_code=ChangeReason.COMPUTED,
        justification=checked_text(justification, "justification"),
        evidence=checked_text(evidence, "evidence"),
        version=found.version,
        line=found.line,
        needs_decision=incident.severity == rules.WORST,
        requested_by=actor,
        requested_at=again.at,
    )
    require_justification(again.change, field=field)
    if not again.change.needs_decision:
        again.fields["severity"] = target
    return again


def _target(incident: Incident, computed: str, pending: SeverityChange | None) -> str:
    if incident.provisionals.undecided().exists():
        return incident.severity
    before = incident.computed_severity or incident.severity
    asked_by_matrix = pending is not None and pending.reason_code == ChangeReason.COMPUTED
    follows = incident.severity == before or asked_by_matrix
    return rules.severity_after(incident.severity, before, computed, follows=follows)


def _is_overtaken(pending: SeverityChange, target: str) -> bool:
    """What the matrix asked for goes with what it says; a person's request stays."""
    return pending.reason_code == ChangeReason.COMPUTED and pending.to_severity != target


def open_request(incident: Incident) -> SeverityChange | None:
    """The change that waits for a second person; at most one."""
    rows = incident.severity_changes.undecided().select_related("requested_by")
    found: SeverityChange | None = rows.order_by("-id").first()
    return found


def end_request(
    change: SeverityChange, verdict: Verdict, *, actor: User, note: str = ""
) -> SeverityDecision:
    """Write down how a request ended. The caller holds the incident's lock."""
    decision = SeverityDecision(
        change=change,
        verdict=verdict,
        requested_by=change.requested_by,
        decided_by=actor,
        decided_at=clock.now(),
        note=note,
    )
    append(decision)
    return decision


def _record_overtaken(incident: Incident, request: SeverityChange, *, actor: User) -> None:
    end_request(request, Verdict.SUPERSEDED, actor=actor)
    record(
        incident,
        "incident.severity_overtaken",
        actor=actor,
        text=f"The request {request} is overtaken: the matrix says {incident.computed_severity}.",
        change_id=request.pk,
    )


def record_request(incident: Incident, change: SeverityChange, *, actor: User) -> None:
    """Append a change that waits for a second person."""
    facts: dict[str, Any] = {"from": change.from_severity}
    record(
        incident,
        "incident.severity_requested",
        actor=actor,
        text=_said(change, "asked for; a second person decides"),
        reason=change.justification,
        to=change.to_severity,
        reason_code=str(change.reason_code),
        along=[change],
        **facts,
    )


def record_change(
    incident: Incident,
    change: SeverityChange,
    *,
    actor: User,
    effects: Effects,
    version: SeverityTableVersion | None,
) -> None:
    """Append a change that holds, with what it sets off. The incident was saved with it."""
    facts: dict[str, Any] = {"from": change.from_severity}
    record(
        incident,
        "incident.severity_changed",
        actor=actor,
        text=_said(change, "changed"),
        reason=change.justification,
        to=change.to_severity,
        reason_code=str(change.reason_code),
        requested_by=change.requested_by_id,
        engagement=asdict(effects),
        along=[change, engagement(incident, effects, version, clock.now())],
        **facts,
    )


def require_open_record(incident: Incident) -> None:
    """Raise `Refused` once the incident is closed or cancelled."""
    if incident.state in rules.OVER:
        raise Refused(
            f"{incident.reference} is {incident.state}: its severity stands. Reopen it first.",
            code="incident_over",
        )


def require_justification(change: SeverityChange, *, field: str = "justification") -> None:
    """Raise `Invalid` for a lower severity without a word why."""
    if change.is_downgrade and not change.justification:
        raise Invalid(
            f"This lowers the severity from {change.from_severity} to {change.to_severity}: "
            "say what justifies it.",
            field=field,
        )


def checked_text(text: str, name: str) -> str:
    """Trimmed, or `Invalid` where it is too long."""
    if len(text) > TEXT_LIMIT:
        raise Invalid(f"Use at most {TEXT_LIMIT:,} characters.", field=name)
    return text.strip()


def _said(change: SeverityChange, what: str) -> str:
    lines = [f"Severity {what}: {change.from_severity} to {change.to_severity}."]
    lines.append(f"Reason: {change.get_reason_code_display()}.")
    if change.justification:
        lines.append(f"Justification: {change.justification}")
    if change.evidence:
        lines.append(f"Evidence: {change.evidence}")
    return "\n\n".join(lines)


def _revised(incident: Incident, diffs: Mapping[str, Any], justification: str) -> str:
    names = ", ".join(name.replace("_", " ").removeprefix("is ") for name in diffs)
    lines = [f"Impact stated anew: {names}. The matrix says {incident.computed_severity}."]
    if justification.strip():
        lines.append(f"Justification: {justification.strip()}")
    return "\n\n".join(lines)
