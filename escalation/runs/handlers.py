"""When escalations begin, go on and end."""

import datetime
from collections.abc import Collection, Sequence
from contextlib import suppress

from django.db.models import Count

from config.due.jobs import job
from config.due.models import Timer
from config.due.operations import timer
from config.errors import Refused
from config.events.models import Event
from config.events.operations import provides, within
from config.metrics import Samples, metric
from config.organisation.models import User
from escalation.policies.models import Tier
from escalation.policies.operations import Situation, targets_of_each
from escalation.runs import operations
from escalation.runs.models import LIVE, EscalationRun
from escalation.runs.moves import next_tiers
from incidents.lifecycle.models import Incident


def tiers_due(due: Sequence[tuple[Timer, Incident]]) -> None:
    """Page the next tier of many incidents, but of those that somebody has acknowledged by now."""
    pairs = [(incident, row.due_at) for row, incident in due]
    operations.page_next_tiers(pairs, actor=User.objects.system())


@timer(operations.TIER, elapsed=True, many=tiers_due)
def tier_due(row: Timer, incident: Incident) -> None:
    """Page the next tier, unless somebody has acknowledged by now."""
    operations.page_next_tier(incident, due_at=row.due_at, actor=User.objects.system())


@timer(operations.FOLLOW_UP, elapsed=True)
def follow_up_due(row: Timer, incident: Incident) -> None:
    """Look whether an action followed the acknowledgement."""
    operations.follow_up(incident)


@within("incident.opened")
def begin(event: Event) -> None:
    """A new incident is escalated in the transaction that opens it: none can be forgotten."""
    incident = event.about(Incident)
    operations.start(
        incident,
        actor=User.objects.system(),
        trigger="opened",
        severity_policy=event.data.get("engagement", {}).get("escalation_policy", ""),
    )


@within("incident.reopened")
def begin_again(event: Event) -> None:
    """Reopened, and nobody has acknowledged (what a tool reopens counts so): page again."""
    incident = event.about(Incident)
    if incident.acknowledged_at is None:
        operations.start(incident, actor=User.objects.system(), trigger="reopened")


@within("incident.edited")
def follow_the_owner(event: Event) -> None:
    """Another team or service: page those whose it is now."""
    changed = {change["field"] for change in event.data.get("changes", ())}
    if changed & {"team", "service"}:
        incident = event.about(Incident)
        operations.reassigned(incident, actor=event.actor)


@within("incident.acknowledged")
def stop_paging(event: Event) -> None:
    """In the acknowledgement's own transaction: no tier is paged after it commits."""
    incident = event.about(Incident)
    operations.acknowledged(incident, by=event.actor, at=event.recorded_at)


@within("incident.resolved")
@within("incident.closed")
@within("incident.cancelled")
def finish(event: Event) -> None:
    """An incident that is over pages nobody."""
    incident = event.about(Incident)
    operations.end(incident, actor=event.actor, reason=event.kind)


@within("incident.provisional_overdue")
def escalate_undecided(event: Event) -> None:
    """Nobody decided a provisional severity in time: the next tier is paged, once."""
    incident = event.about(Incident)
    reason = "Its provisional SEV1 is overdue: confirm, lower or extend it."
    with suppress(Refused):  # without a policy the overdue line on the timeline has to do
        operations.escalate(incident, actor=User.objects.system(), reason=reason)


@within("page.failed")
def ask_the_next(event: Event) -> None:
    """Somebody can't be reached: when nobody of the tier can, the next tier is paged at once."""
    run = EscalationRun.objects.select_related("incident").get(pk=event.data["run_id"])
    responder = User.objects.get(pk=event.data["responder_id"])
    operations.unreachable(run, responder, tier=event.data["tier"])


@job("escalation.rearm_forgotten", every="minutes", minutes=10)
def rearm_forgotten(as_of: datetime.datetime) -> int:
    """The repair of what timers promise: an escalation whose timer died goes on."""
    return operations.rearm_forgotten(as_of)


@provides("incident.awaits_acknowledgement")
def awaits_acknowledgement(incident: Incident) -> bool:
    """An escalation is paging, or has run out of people: an acknowledgement would stop it."""
    run = operations.live_run(incident)
    return run is not None and run.state not in operations.QUIET


@metric("escalations", "Escalations that have not ended, by state.", "state")
def live_escalations() -> Samples:
    """Exhausted ones want somebody at once. Restricted incidents are not counted."""
    rows = EscalationRun.objects.live().filter(incident__is_restricted=False)
    found = dict(rows.order_by().values_list("state").annotate(number=Count("pk")))
    return [((state,), found.get(state, 0)) for state in LIVE]


@provides("escalation.next")
def next_in_line(incidents: Collection[Incident]) -> dict[int, str]:
    """Who is paged next and when, in words, by incident; those for whom nobody is are left out."""
    runs = operations.live_runs(incidents)
    asked = [
        (run.incident_id, (tier, Situation.of(run.incident), run.next_tier_at))
        for run, tier in zip(runs, next_tiers(runs), strict=True)
        if tier is not None and run.next_tier_at is not None
    ]
    people = targets_of_each([question for _, question in asked])
    return {
        incident: _in_words(tier, found, at)
        for (incident, (tier, _, at)), found in zip(asked, people, strict=True)
    }


def _in_words(tier: Tier, people: Sequence[User], at: datetime.datetime) -> str:
    who = ", ".join(str(person) for person in people[:3]) or tier.describe()
    return f"{who} at {at:%H:%M} UTC"
