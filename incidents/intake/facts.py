"""What the table may ask of a report, of one that comes in and of those that there are."""

from django.db.models import F, OuterRef, Subquery
from django.db.models.lookups import GreaterThan, IsNull

from config.conditions.attributes import Attribute, register
from config.conditions.kinds import Flag, Number
from incidents.intake.models import QualificationDecision

SUBJECT = "report"


def _tolerance() -> Subquery:
    """The one by which the report was decided last: a past report is judged by its own time."""
    decisions = QualificationDecision.objects.filter(item=OuterRef("pk")).order_by("-pk")
    return Subquery(decisions.values("tolerance_percent")[:1])


register(
    SUBJECT,
    Attribute("is_interrupted", "A service is interrupted", Flag(), "is_interrupted"),
    Attribute(
        "slowdown_percent",
        "Slower than the baseline by",
        Number("%", most=1_000_000),
        "slowdown_percent",
    ),
    Attribute(
        "is_beyond_tolerance",
        "Slower than the baseline tolerates",
        Flag(),
        lambda: GreaterThan(F("slowdown_percent"), _tolerance()),
        help="By policy intake.baseline_tolerance_percent.",
    ),
    Attribute("is_standard_request", "It is a standard request", Flag(), "is_standard_request"),
    Attribute("is_support_tried", "Support was tried already", Flag(), "is_support_tried"),
    Attribute("is_sla_covered", "An SLA covers it", Flag(), "is_sla_covered"),
    Attribute("is_planned_change", "A change is wanted", Flag(), "is_planned_change"),
    Attribute("is_recurring", "It comes back again and again", Flag(), "is_recurring"),
    Attribute(
        "has_duplicate",
        "An incident about it is open",
        Flag(),
        lambda: IsNull(F("duplicate_of"), False),
    ),
)
