"""When provisional severities fall due, what keeps an incident from its end, and what counts."""

import datetime

from django.db.models import BooleanField, Count, ExpressionWrapper, Q

from config.access.restricted import unrestricted
from config.access.separation import register_act
from config.breakglass.models import BreakGlass
from config.breakglass.operations import OPENED
from config.due.jobs import job
from config.due.models import Timer
from config.due.operations import timer
from config.errors import Blocker
from config.events.models import Event
from config.events.operations import guard, within
from config.metrics import Samples, metric
from incidents.lifecycle import facts, gating, replay
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import provisional
from incidents.lifecycle.operations.components import unrestored
from incidents.lifecycle.operations.reassessing import open_request
from incidents.timeline.operations import record

__all__ = ["facts", "gating", "replay"]


@timer(provisional.TIMER, elapsed=True)
def provisional_due(row: Timer, incident: Incident) -> None:
    """Its time is over: where nobody has decided, it is overdue, and escalated."""
    provisional.escalate_overdue(incident, row.due_at)


@job("severity_provisional_sweep", every="minutes", minutes=10)
def severity_provisional_sweep(as_of: datetime.datetime) -> int:
    """The repair of the timers: what is overdue and was not escalated is escalated now."""
    return provisional.sweep(as_of)


@guard("incident.resolve")
def components_work(incident: Incident) -> list[Blocker]:
    """What is only partly restored isn't resolved, unless the rest goes on somewhere else."""
    return [
        Blocker(
            "component_unrestored",
            f"{component} is {component.get_state_display().lower()}: say when it is restored, or "
            "split the rest off into an incident with an owner.",
        )
        for component in unrestored(incident)
    ]


@guard("incident.close")
def severity_is_decided(incident: Incident) -> list[Blocker]:
    """The record of what is over names a severity that somebody stands for."""
    found = []
    if open_request(incident) is not None:
        text = "A change of the severity waits for a decision: decide it, or have it withdrawn."
        found.append(Blocker("severity_undecided", text))
    if provisional.open_provisional(incident) is not None:
        text = "The severity is provisional: confirm or lower it."
        found.append(Blocker("severity_undecided", text))
    return found


register_act("incident.repair", "Repair an incident", "incident.mitigated", "incident.resolved")
register_act("incident.close", "Close an incident", "incident.closed")


@within(OPENED)
def tell_the_timeline(event: Event) -> None:
    """Who is in the incident reads there who has broken the glass, and why."""
    row = event.about(BreakGlass)
    if row.record_type == Incident._meta.label_lower:
        record(
            Incident.objects.get(pk=row.record_id),
            "incident.glass_broken",
            actor=event.actor,
            text=f"{row.person} opened this by break-glass, until {row.until:%H:%M} UTC.",
            reason=row.reason,
        )


@metric("incidents_open", "Open incidents.", "severity", "acknowledged")
def open_incidents() -> Samples:
    """Aggregates only, and without restricted ones: beside a list, a count would betray them."""
    waits = ExpressionWrapper(Q(acknowledged_at__isnull=True), BooleanField())
    rows = unrestricted(Incident.objects.open())
    rows = rows.annotate(waits=waits).values_list("severity", "waits")
    counted = rows.annotate(number=Count("pk")).order_by()
    return [((severity, "no" if waits else "yes"), n) for severity, waits, n in counted]
