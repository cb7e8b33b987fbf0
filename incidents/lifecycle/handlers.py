"""What monitoring may count: open incidents by severity, without naming any."""

from django.db.models import BooleanField, Count, ExpressionWrapper, Q

from config.access.restricted import unrestricted
from config.access.separation import register_act
from config.breakglass.models import BreakGlass
from config.breakglass.operations import OPENED
from config.events.models import Event
from config.events.operations import within
from config.metrics import Samples, metric
from incidents.lifecycle import replay
from incidents.lifecycle.models import Incident
from incidents.timeline.operations import record

__all__ = ["replay"]


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
