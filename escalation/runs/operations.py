"""Running escalations: tier after tier until somebody acknowledges.

The loop pulls: under the incident's lock it reads whether anybody has acknowledged, and only
then pages. Nothing that happened before can be missed, however late its event.
"""

import datetime
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db import transaction

from config import clock
from config.audit.tracking import append, lock
from config.due.models import Timer
from config.due.operations import Promise, cancel, schedule, schedule_all
from config.errors import Invalid, Refused
from config.events.operations import record
from config.governance.in_force import setting
from config.organisation.models import User
from escalation.paging.operations import create_pages, mark_not_needed
from escalation.policies.operations import (
    Situation,
    policy_for,
    targets_of,
    targets_of_each,
    wait_of,
)
from escalation.runs.models import (
    EscalationRecord,
    EscalationRun,
    RecordKind,
    RunQuerySet,
    RunState,
)
from escalation.runs.moves import Move, moves_of, next_tiers
from incidents.lifecycle.models import Incident
from incidents.timeline.models import EntryKind
from incidents.timeline.operations import record as record_on_timeline

TIER = "escalation.tier"
FOLLOW_UP = "escalation.follow_up"
# Somebody is at work on it, or it is over.
QUIET = (RunState.ACKNOWLEDGED, RunState.ENDED)


def start(
    incident: Incident, *, actor: User, trigger: str, severity_policy: str | None = None
) -> EscalationRun | None:
    """Begin to escalate, under the policy version in force now. One live escalation an incident.

    `severity_policy` is the key of the one that the severity sets off; read where it isn't given.
    The caller holds the lock of the incident, or has made it in this transaction. Returns None,
    and records it, where no policy is in force (an installation without seeds).
    """
    if live_run(incident) is not None:
        return None
    named = _named_by_severity(incident) if severity_policy is None else severity_policy
    version = policy_for(Situation.of(incident), severity_policy=named)
    if version is None:
        record("escalation.no_policy", incident, actor=actor, reason=trigger)
        return None
    run = EscalationRun(
        incident=incident, policy_version=version, trigger=trigger, started_at=clock.now()
    )
    _arm(run, clock.now())
    run.save_as(actor)
    _schedule_tier(run)
    _write(run, RecordKind.STARTED, actor=actor, reason=trigger)
    return run


def _named_by_severity(incident: Incident) -> str:
    keys = incident.engagements.order_by("-id").values_list("escalation_policy", flat=True)
    return keys.first() or ""


def live_run(incident: Incident) -> EscalationRun | None:
    """The incident's escalation that hasn't ended."""
    return _of(incident, EscalationRun.objects.live())


def live_runs(incidents: Collection[Incident]) -> list[EscalationRun]:
    """The escalations of these incidents that haven't ended, with the caller's own incidents."""
    own = {incident.pk: incident for incident in incidents}
    runs = list(EscalationRun.objects.live().filter(incident__in=own).order_by("pk"))
    for run in runs:
        run.incident = own[run.incident_id]
    return runs


def held_run(incident: Incident) -> EscalationRun | None:
    """The same, locked until the transaction ends. The caller holds the lock of the incident."""
    return _of(incident, EscalationRun.objects.live().select_for_update(no_key=True))


def _of(incident: Incident, runs: RunQuerySet) -> EscalationRun | None:
    run = runs.filter(incident=incident).first()
    if run is not None:
        run.incident = incident  # the caller's own object
    return run


def page_next_tier(incident: Incident, *, due_at: datetime.datetime, actor: User) -> None:
    """The effect of a tier's timer: page the next tier that somebody answers to.

    The caller holds the lock of the incident. Does nothing once it was acknowledged or ended.
    """
    page_next_tiers([(incident, due_at)], actor=actor)


def page_next_tiers(due: Sequence[tuple[Incident, datetime.datetime]], *, actor: User) -> None:
    """The same for many incidents: what it depends on is read for all of them together."""
    moves = moves_of(due)
    _find_people(moves, actor)
    for move in moves:
        if not move.people:
            _exhaust(move.run, actor)
    if paging := [move for move in moves if move.people]:
        _page(paging, actor)


def _page(moves: Sequence[Move], actor: User) -> None:
    for move in moves:
        _arm(move.run, clock.now() + wait_of(move.tier, move.situation, move.run.started_at))
        move.run.save_as(actor, "tier", "round", "next_tier_at")
    schedule_all([_promise(move.run) for move in moves])
    paged = RecordKind.PAGED
    entries = (
        _entry(move.run, paged, actor=actor, due_at=move.due_at, person=person)
        for move in moves
        for person in move.people
    )
    append(*entries)
    create_pages([plan for move in moves for plan in move.plans()], actor=actor)


def _find_people(moves: Iterable[Move], actor: User) -> None:
    """Bring each to the first tier that somebody answers to, and record those without anybody."""
    now = clock.now()
    begun = [move for move in moves if move.goes_on()]
    firsts = targets_of_each([(move.tier, move.situation, now) for move in begun])
    for move, people in zip(begun, firsts, strict=True):
        move.people = people
        while not move.people:
            reason = f"Nobody to page: {move.tier.describe()}"
            _write(move.run, RecordKind.SKIPPED, actor=actor, due_at=move.due_at, reason=reason)
            if not move.goes_on():
                break
            move.people = targets_of(move.tier, move.situation, now)


def _exhaust(run: EscalationRun, actor: User) -> None:
    run.state = RunState.EXHAUSTED
    run.next_tier_at = None
    run.save_as(actor, "state", "tier", "round", "next_tier_at")
    _write(run, RecordKind.EXHAUSTED, actor=actor)
    record_on_timeline(
        run.incident,
        "escalation.exhausted",
        actor=actor,
        text="Nobody acknowledged: all tiers of the escalation policy were paged.",
        run_id=run.pk,
    )


def acknowledged(incident: Incident, *, by: User, at: datetime.datetime) -> None:
    """Somebody acknowledged: stop paging, and watch that an action follows."""
    run = held_run(incident)
    if run is None or run.state == RunState.ACKNOWLEDGED:
        return
    run.state = RunState.ACKNOWLEDGED
    run.acknowledged_at = at
    run.next_tier_at = None
    run.save_as(by, "state", "acknowledged_at", "next_tier_at")
    cancel(TIER, incident)
    minutes = setting("ack.followup_minutes", unit=incident.unit)[incident.severity]
    schedule(FOLLOW_UP, incident, at + datetime.timedelta(minutes=minutes))
    _write(run, RecordKind.ACKNOWLEDGED, actor=by, person=by)


def follow_up(incident: Incident) -> None:
    """Nothing was done since the acknowledgement: escalate again, from the tier after the last."""
    run = held_run(incident)
    if run is None or run.state != RunState.ACKNOWLEDGED or not incident.is_open:
        return
    if _acted_since(incident, run.acknowledged_at):
        return
    system = User.objects.system()
    _go_on(run, actor=system)
    _write(run, RecordKind.REARMED, actor=system)
    record_on_timeline(
        incident,
        "escalation.rearmed",
        actor=system,
        text="Acknowledged, but nothing was done since: paging goes on.",
        run_id=run.pk,
    )


def _acted_since(incident: Incident, since: datetime.datetime | None) -> bool:
    if since is None:
        return False
    by_people = incident.timeline.filter(actor__kind="person", recorded_at__gt=since)
    return by_people.exclude(event__kind="incident.acknowledged").exists()


def end(incident: Incident, *, actor: User, reason: str) -> None:
    """The incident is over: nobody is paged any more. Idempotent."""
    run = held_run(incident)
    if run is None:
        return
    run.state = RunState.ENDED
    run.ended_at = clock.now()
    run.next_tier_at = None
    run.save_as(actor, "state", "ended_at", "next_tier_at")
    cancel(TIER, incident)
    cancel(FOLLOW_UP, incident)
    mark_not_needed(incident)
    _write(run, RecordKind.ENDED, actor=actor, reason=reason)


@transaction.atomic
def escalate(incident: Incident, *, actor: User, reason: str) -> EscalationRun:
    """A person asks for the next tier now. Raises `Invalid` without a reason (ESC-10)."""
    if not reason.strip():
        raise Invalid("Say why you escalate; it becomes part of the record.", field="reason")
    lock(incident)
    if not incident.is_open:
        raise Refused(f"{incident.reference} is {incident.state}.", code="incident_not_open")
    run = held_run(incident) or start(incident, actor=actor, trigger="manual")
    if run is None:
        raise Refused("No escalation policy is in force.", code="no_escalation_policy")
    _go_on(run, actor=actor, reason=reason)
    _write(run, RecordKind.ESCALATED, actor=actor, reason=reason)
    record_on_timeline(
        incident,
        "escalation.escalated",
        actor=actor,
        text=f"Escalated: {reason}",
        entry_kind=EntryKind.ACTION,
        reason=reason,
        run_id=run.pk,
    )
    return run


def unreachable(run: EscalationRun, responder: User, *, tier: int) -> None:
    """Somebody can't be reached; when nobody of the tier can, the next one isn't kept waiting."""
    lock(run)
    system = User.objects.system()
    _write(run, RecordKind.UNREACHABLE, actor=system, person=responder, tier=tier)
    reachable = run.pages.filter(tier=run.tier, round=run.round).exclude(state="failed")
    if run.state == RunState.ACTIVE and not reachable.exists():
        _arm(run, clock.now())
        run.save_as(system, "next_tier_at")
        _schedule_tier(run)


def reassigned(incident: Incident, *, actor: User) -> None:
    """Another team or service, and nobody at work on it: begin again with those whose it is now."""
    run = live_run(incident)
    is_taken = incident.acknowledged_at is not None if run is None else run.state in QUIET
    if is_taken or not incident.is_open:
        return
    end(incident, actor=actor, reason="reassigned")
    start(incident, actor=User.objects.system(), trigger="reassigned")


def rearm_forgotten(as_of: datetime.datetime) -> int:
    """Escalations that run without a timer (it died): schedule it again. Returns how many."""
    found = 0
    overdue = EscalationRun.objects.filter(state=RunState.ACTIVE, next_tier_at__lte=as_of)
    for row in overdue.select_related("incident").order_by("pk"):
        with transaction.atomic():
            lock(row.incident)
            run = held_run(row.incident)
            if run is None or run.state != RunState.ACTIVE or _has_timer(run):
                continue
            _arm(run, as_of)
            run.save_as(User.objects.system(), "next_tier_at", reason="The timer was lost.")
            _schedule_tier(run)
            found += 1
    return found


def _has_timer(run: EscalationRun) -> bool:
    label = run.incident._meta.label_lower
    timers = Timer.objects.open().filter(kind=TIER, root_type=label, root_id=run.incident_id)
    return timers.exists()


def _go_on(run: EscalationRun, *, actor: User, reason: str = "") -> None:
    """From the tier after the last one, now; after the last tier of all, one more round."""
    run.state = RunState.ACTIVE
    if next_tiers([run]) == [None]:
        run.tier, run.round = 0, 1 + run.round
    _arm(run, clock.now())
    run.save_as(actor, "state", "tier", "round", "next_tier_at", reason=reason)
    cancel(FOLLOW_UP, run.incident)
    _schedule_tier(run)


def _arm(run: EscalationRun, at: datetime.datetime) -> None:
    run.next_tier_at = at


def _schedule_tier(run: EscalationRun) -> None:
    schedule_all([_promise(run)])


def _promise(run: EscalationRun) -> Promise:
    return Promise(TIER, run.incident, run.next_tier_at or clock.now())


def _write(run: EscalationRun, kind: RecordKind, *, actor: User, **facts: Any) -> None:
    append(_entry(run, kind, actor=actor, **facts))


def _entry(
    run: EscalationRun,
    kind: RecordKind,
    *,
    actor: User,
    reason: str = "",
    due_at: datetime.datetime | None = None,
    person: User | None = None,
    tier: int | None = None,
) -> EscalationRecord:
    return EscalationRecord(
        run=run,
        kind=kind,
        at=clock.now(),
        due_at=due_at,
        tier=run.tier if tier is None else tier,
        round=run.round,
        person=person,
        actor=actor,
        reason=reason,
    )
