"""The verbs that move an incident from state to state."""

import datetime
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from config import clock
from config.access.separation import require_separate
from config.audit.tracking import lock
from config.errors import Blocked, Invalid, Refused, TransitionRefused
from config.events.operations import blockers
from config.governance.in_force import setting
from config.organisation.models import User
from incidents.lifecycle import rules
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations.duties import require_owner
from incidents.lifecycle.operations.key_times import keep_claim
from incidents.timeline.operations import record
from incidents.timeline.rules import moment

Times = Mapping[str, datetime.datetime | None]


@transaction.atomic
def triage(
    incident: Incident,
    *,
    actor: User,
    at: datetime.datetime | None = None,
    note: str = "",
    reason: str = "",
) -> Incident:
    """Somebody has looked at it, and knows whose it is and how bad."""
    return _move(incident, "triage", actor=actor, at=at, note=note, reason=reason)


@transaction.atomic
def investigate(
    incident: Incident,
    *,
    actor: User,
    at: datetime.datetime | None = None,
    note: str = "",
    reason: str = "",
) -> Incident:
    """The cause is being looked for; also the way back where a mitigation didn't hold."""
    return _move(incident, "investigate", actor=actor, at=at, note=note, reason=reason)


@transaction.atomic
def mitigate(
    incident: Incident,
    *,
    actor: User,
    at: datetime.datetime | None = None,
    note: str = "",
    reason: str = "",
) -> Incident:
    """The damage has stopped growing, though the cause may stay. Sets the time of mitigation."""
    when = _checked(incident, "mitigate", at)
    times = {"mitigated": when}
    return _apply(incident, "mitigate", when, times, actor=actor, note=note, reason=reason)


@transaction.atomic
def monitor(
    incident: Incident,
    *,
    actor: User,
    at: datetime.datetime | None = None,
    note: str = "",
    reason: str = "",
) -> Incident:
    """The repair is in; watch whether it holds."""
    return _move(incident, "monitor", actor=actor, at=at, note=note, reason=reason)


@transaction.atomic
def resolve(
    incident: Incident,
    *,
    actor: User,
    at: datetime.datetime | None = None,
    note: str = "",
    reason: str = "",
) -> Incident:
    """The service works again. Sets the time of resolution, and of restoration if unknown."""
    when = _checked(incident, "resolve", at)
    times = {"resolved": when}
    if incident.restored_at is None:
        times["restored"] = when
    return _apply(incident, "resolve", when, times, actor=actor, note=note, reason=reason)


@transaction.atomic
def close(
    incident: Incident,
    *,
    actor: User,
    at: datetime.datetime | None = None,
    note: str = "",
    reason: str = "",
) -> Incident:
    """Everything that had to follow is done; guards of all floors say what is missing."""
    when = _checked(incident, "close", at)
    require_separate("incident.close", incident, actor=actor)
    times = {"closed": when}
    return _apply(incident, "close", when, times, actor=actor, note=note, reason=reason)


@transaction.atomic
def cancel(
    incident: Incident,
    *,
    actor: User,
    reason: str,
    at: datetime.datetime | None = None,
    note: str = "",
) -> Incident:
    """It was no incident: a false alarm, a duplicate. Final; the reason stays."""
    return _move(incident, "cancel", actor=actor, at=at, note=note, reason=reason)


@transaction.atomic
def reopen(
    incident: Incident,
    *,
    actor: User,
    reason: str,
    at: datetime.datetime | None = None,
    note: str = "",
) -> Incident:
    """It is back: the same record goes on, as if its clock had never stopped.

    Refused (`reopen_too_late`) after `lifecycle.reopen_days`, counted from the resolution. What
    a tool reopens has nobody at work on it: it counts as unacknowledged again, so it is paged.
    """
    when = _checked(incident, "reopen", at)
    _check_reopen_days(incident)
    times: dict[str, datetime.datetime | None] = {
        "resolved": None,
        "closed": None,
        "restored": None,
    }
    if not actor.is_person:
        times["acknowledged"] = None
        incident.acknowledged_by = None
    incident.reopened_count += 1
    return _apply(incident, "reopen", when, times, actor=actor, note=note, reason=reason)


def _move(
    incident: Incident,
    verb: str,
    *,
    actor: User,
    at: datetime.datetime | None,
    note: str,
    reason: str,
) -> Incident:
    when = _checked(incident, verb, at)
    return _apply(incident, verb, when, {}, actor=actor, note=note, reason=reason)


def _checked(incident: Incident, verb: str, at: datetime.datetime | None) -> datetime.datetime:
    """Lock, and refuse what the table doesn't have; the instant that is meant."""
    lock(incident)
    allowed = rules.verbs_from(incident.state)
    if verb not in allowed:
        raise refusal(incident, verb)
    earliest = incident.resolved_at if verb in ("close", "reopen") else incident.started_at
    return moment(at, now=clock.now(), earliest=earliest)


def refusal(incident: Incident, verb: str) -> TransitionRefused:
    """The answer to a verb that the table doesn't have from this state."""
    allowed = rules.verbs_from(incident.state)
    detail = f"{incident.reference} is {incident.state}: it can't be {rules.PARTICIPLES[verb]}."
    return TransitionRefused(
        detail if allowed else f"{detail} This state is final.", allowed=allowed
    )


def _check_reopen_days(incident: Incident) -> None:
    days = setting("lifecycle.reopen_days", unit=incident.unit)
    # The constraint incident_resolved_has_time: nothing is reopenable without it.
    until = rules.reopen_until(incident.resolved_at or clock.now(), days)
    if clock.now() > until:
        raise Refused(
            f"{incident.reference} could be reopened until {until:%Y-%m-%d %H:%M} UTC "
            f"({days} days after its resolution); open a new incident that names it.",
            code="reopen_too_late",
        )


def _apply(
    incident: Incident,
    verb: str,
    when: datetime.datetime,
    times: Times,
    *,
    actor: User,
    note: str,
    reason: str,
) -> Incident:
    require_owner(verb, incident, actor=actor)
    reason = reason.strip()
    if verb in rules.NEED_REASON and not reason:
        raise Invalid(f"Say why it is {rules.PARTICIPLES[verb]}.", field="reason")
    found = blockers(f"incident.{verb}", incident)
    if found:
        raise Blocked(
            f"{incident.reference} can't be {rules.PARTICIPLES[verb]} yet: "
            + " ".join(blocker.text for blocker in found),
            blockers=found,
        )
    before, incident.state = incident.state, rules.VERBS[verb]
    for which, instant in times.items():
        setattr(incident, f"{which}_at", instant)
    incident.save_as(actor, *_fields(verb, times), reason=reason)
    whence: dict[str, Any] = {"from": before}
    for which, instant in times.items():
        if instant is not None:
            keep_claim(incident, which, instant, actor=actor)
    record(
        incident,
        rules.EVENTS[verb],
        actor=actor,
        at=when,
        text=line_of(verb, note=note, reason=reason),
        reason=reason,
        note=note.strip(),
        to=incident.state,
        times={which: instant and instant.isoformat() for which, instant in times.items()},
        **whence,
    )
    return incident


def _fields(verb: str, times: Times) -> list[str]:
    fields = ["state", *(f"{which}_at" for which in times)]
    if verb == "reopen":
        fields += ["reopened_count", "acknowledged_by"]
    return fields


def line_of(verb: str, *, note: str, reason: str) -> str:
    """What the timeline says of a verb."""
    said = rules.PARTICIPLES[verb]
    lines = [f"{said[0].upper()}{said[1:]}."]
    if note.strip():
        lines.append(note.strip())
    if reason:
        lines.append(f"Reason: {reason}")
    return "\n\n".join(lines)
