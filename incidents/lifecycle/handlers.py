"""What monitoring may count: open incidents by severity, without naming any."""

from django.db.models import BooleanField, Count, ExpressionWrapper, Q

from config.access.restricted import unrestricted
from config.metrics import Samples, metric
from incidents.lifecycle import facts, gating, replay
from incidents.lifecycle.models import Incident

__all__ = ["facts", "gating", "replay"]


@metric("incidents_open", "Open incidents.", "severity", "acknowledged")
def open_incidents() -> Samples:
    """Aggregates only, and without restricted ones: beside a list, a count would betray them."""
    waits = ExpressionWrapper(Q(acknowledged_at__isnull=True), BooleanField())
    rows = unrestricted(Incident.objects.open())
    rows = rows.annotate(waits=waits).values_list("severity", "waits")
    counted = rows.annotate(number=Count("pk")).order_by()
    return [((severity, "no" if waits else "yes"), n) for severity, waits, n in counted]
