"""What monitoring may count: open incidents by severity, without naming any."""

from django.db.models import BooleanField, Count, ExpressionWrapper, Q

from config.metrics import Samples, metric
from incidents.lifecycle.models import Incident


@metric("incidents_open", "Open incidents.", "severity", "acknowledged")
def open_incidents() -> Samples:
    """Aggregates only, restricted ones included: a count of all betrays no single one."""
    waits = ExpressionWrapper(Q(acknowledged_at__isnull=True), BooleanField())
    rows = Incident.objects.open().annotate(waits=waits).values_list("severity", "waits")
    counted = rows.annotate(number=Count("pk")).order_by()
    return [((severity, "no" if waits else "yes"), n) for severity, waits, n in counted]
