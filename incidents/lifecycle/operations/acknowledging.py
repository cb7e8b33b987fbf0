"""Acknowledging: a person says that they are at work on it."""

import datetime

from django.db import transaction

from config import clock
from config.audit.tracking import lock
from config.errors import HumanRequired
from config.events.models import Event
from config.events.operations import ask
from config.organisation.models import User
from incidents.lifecycle import rules
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations.key_times import keep_claim
from incidents.lifecycle.operations.transitions import line_of, refusal
from incidents.timeline.operations import record
from incidents.timeline.rules import moment


@transaction.atomic
def acknowledge(
    incident: Incident,
    *,
    actor: User,
    at: datetime.datetime | None = None,
    note: str = "",
    reason: str = "",
) -> Incident:
    """Take it on, in any open state, which stays. The first time stands.

    Others who follow are recorded; the same person again changes and records nothing. Raises
    `HumanRequired` for tools, and `TransitionRefused` once it is resolved, closed or cancelled.
    """
    if not actor.is_person:
        raise HumanRequired(
            "Only a person can acknowledge: sign in, or use your own token.", audit=True
        )
    lock(incident)
    if not incident.is_open:
        raise refusal(incident, "acknowledge")
    is_first = incident.acknowledged_at is None
    if not is_first and _has_acknowledged(incident, actor) and not _is_asked_again(incident):
        return incident
    when = moment(at, now=clock.now(), earliest=incident.started_at)
    reason = reason.strip()
    if is_first:
        incident.acknowledged_at, incident.acknowledged_by = when, actor
        incident.save_as(actor, "acknowledged_at", "acknowledged_by", reason=reason)
        keep_claim(incident, "acknowledged", when, actor=actor)
    record(
        incident,
        rules.EVENTS["acknowledge"],
        actor=actor,
        at=when,
        text=line_of("acknowledge", note=note, reason=reason),
        reason=reason,
        note=note.strip(),
        is_first=is_first,
        times={"acknowledged": when.isoformat()} if is_first else {},
    )
    return incident


def _is_asked_again(incident: Incident) -> bool:
    """Nothing followed the first acknowledgement, so people are paged again: another one counts."""
    again: bool = ask("incident.awaits_acknowledgement", default=False, incident=incident)
    return again


def _has_acknowledged(incident: Incident, actor: User) -> bool:
    if incident.acknowledged_by_id == actor.pk:
        return True
    about = Event.objects.filter(subject_type=incident._meta.label_lower, subject_id=incident.pk)
    again = about.filter(kind=rules.EVENTS["reopen"]).order_by("-id").values("id")[:1]
    mine = about.filter(kind=rules.EVENTS["acknowledge"], actor=actor)
    since = again.first()
    return (mine.filter(id__gt=since["id"]) if since else mine).exists()
