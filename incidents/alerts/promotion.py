"""What alerts do to incidents: open, join, reopen, worsen. Each step is a lifecycle operation."""

import datetime
from typing import Any

from django.db import transaction

from config import clock
from config.audit.tracking import lock
from config.errors import DomainError
from config.governance.in_force import setting
from config.organisation.models import BusinessUnit, User
from incidents.alerts.impact import impact_of, worse_parts
from incidents.alerts.models import Alert
from incidents.alerts.rules import TO_INTAKE
from incidents.intake.models import Conversion, IntakeItem
from incidents.intake.operations import join_incident, report
from incidents.lifecycle import operations as lifecycle
from incidents.lifecycle.models import Incident, Source
from incidents.lifecycle.rules import REOPENABLE, State, reopen_until
from incidents.taxonomy.models import Level
from incidents.terms.operations import offered_terms
from incidents.timeline.models import Reliability
from incidents.timeline.operations import record

# Labels of an alert that classify its incident.
TERM_LABELS = ("type", "category")
WORST_FIRST = (Level.CRITICAL, Level.ERROR, Level.WARNING, Level.INFO)


def is_worse(level: str, than: str) -> bool:
    """Whether the first level is the worse one."""
    return WORST_FIRST.index(Level(level)) < WORST_FIRST.index(Level(than))


def open_for(alert: Alert, *, actor: User, received_at: datetime.datetime) -> Incident:
    """A new incident for an alert that has none, or whose last one is too long past.

    Where that one was restricted, this one is too, and the same people are let in.
    """
    earlier = alert.incident
    incident = lifecycle.open_incident(
        actor=actor,
        source=Source.ALERT,
        at=received_at,
        is_restricted=earlier is not None and earlier.is_restricted,
        **_said(alert, received_at),
    )
    if alert.report is not None:
        reason = f"The alert '{alert.title}' is {alert.level} now."
        join_incident(alert.report, incident, actor=actor, reason=reason)
    if incident.is_restricted and earlier is not None:
        lifecycle.let_in_those_of(incident, earlier, actor=actor)
    elif earlier is not None:
        note(incident, f"The same alert had opened {earlier.reference} before.", actor=actor)
    return incident


def waits_for_a_person(alert: Alert) -> bool:
    """Whether policy has somebody qualify it first; what had an incident before goes on there."""
    return alert.incident is None and alert.level in setting(TO_INTAKE.key, unit=_unit(alert))


def take_in(alert: Alert, *, actor: User, received_at: datetime.datetime) -> IntakeItem:
    """A report instead of an incident, checked by the template by which one would open."""
    lifecycle.check_alert(**_said(alert, received_at))
    item: IntakeItem = report(
        title=alert.title,
        service=alert.service,
        description=alert.description,
        level=alert.level,
        actor=actor,
    )
    return item


def _said(alert: Alert, received_at: datetime.datetime) -> dict[str, Any]:
    """What the alert says of its incident."""
    return {
        "title": alert.title,
        "service": alert.service,
        "level": alert.level,
        "description": alert.description,
        "started_at": min(alert.starts_at, clock.now()),
        "detected_at": received_at,
        "terms": _terms(alert),
        **impact_of(alert.labels),
    }


def _unit(alert: Alert) -> BusinessUnit:
    unit: BusinessUnit = (alert.team if alert.service is None else alert.service.team).unit
    return unit


def _terms(alert: Alert) -> dict[str, Any]:
    """What its labels `type` and `category` name, where that is offered; else a person says it."""
    named = {kind: str(alert.labels[kind]) for kind in TERM_LABELS if alert.labels.get(kind)}
    return offered_terms(named, _unit(alert)) if named else {}


def join(incident: Incident, alert: Alert, *, actor: User) -> bool:
    """Attach a further alert of the group; False where the incident has just ended."""
    lock(incident)
    if not incident.is_open:
        return False
    note(incident, f"Grows by the alert: {alert.title}", actor=actor, alert_id=alert.pk)
    worsen(incident, alert, actor=actor)
    return True


def can_reopen(incident: Incident) -> bool:
    """Whether firing again would reopen it: resolved, and that not longer ago than the limit."""
    if incident.state not in REOPENABLE or incident.resolved_at is None:
        return False
    days = setting("lifecycle.reopen_days", unit=incident.unit)
    return clock.now() <= reopen_until(incident.resolved_at, days)


def reopen(
    incident: Incident, alert: Alert, *, actor: User, received_at: datetime.datetime
) -> bool:
    """The alert fires again, so its incident goes on; False where a guard refuses."""
    reason = f"The alert fires again: {alert.title}"
    try:
        with transaction.atomic():
            # Read from the stored row: a claim about the time may have come in meanwhile.
            lock(incident)
            at = max(received_at, incident.resolved_at or received_at)
            lifecycle.reopen(incident, actor=actor, reason=reason, at=at)
    except DomainError:
        return False
    return True


def fires_again(incident: Incident, alert: Alert, *, actor: User) -> None:
    """It had cleared while its incident stayed open: what was only watched is looked into again."""
    text = f"Fires again: {alert.title}"
    lock(incident)
    if incident.state == State.MONITORING and _try_investigate(incident, text, actor):
        return
    note(incident, text, actor=actor, alert_id=alert.pk)


def _try_investigate(incident: Incident, text: str, actor: User) -> bool:
    try:
        with transaction.atomic():
            lifecycle.investigate(incident, actor=actor, note=text)
    except DomainError:
        return False
    return True


def worsen(incident: Incident, alert: Alert, *, actor: User) -> None:
    """Raise the incident's level, and its impact, to the alert's. A person may lower them."""
    if is_worse(alert.level, incident.level):
        reason = f"The alert '{alert.title}' is {alert.level}."
        lifecycle.edit(incident, actor=actor, changes={"level": alert.level}, reason=reason)
    said = impact_of(alert.labels)
    if said:
        lock(incident)
        held = {name: getattr(incident, name) for name in said}
        reason = f"The alert '{alert.title}' says so."
        changes = worse_parts(held, said)
        lifecycle.revise_impact(incident, actor=actor, changes=changes, justification=reason)


def note(incident: Incident, text: str, *, actor: User, **data: Any) -> None:
    """A line on the timeline that telemetry vouches for."""
    record(
        incident,
        "alert.noted",
        actor=actor,
        text=text,
        reliability=Reliability.TELEMETRY,
        source=Source.ALERT,
        **data,
    )


def follow_conversions(item_id: int | None) -> None:
    """The alerts of a report belong to the incident that a person made of it, or joined it to."""
    made = Conversion.objects.filter(item=item_id, incident__isnull=False).first()
    if made is not None:
        rows = Alert.objects.filter(report=made.item_id, incident__isnull=True)
        rows.update(incident=made.incident_id)
