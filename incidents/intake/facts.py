"""What the table may ask of a report."""

from config.conditions.attributes import Attribute, register
from config.conditions.kinds import Flag, Number

SUBJECT = "report"

register(
    SUBJECT,
    Attribute("is_interrupted", "A service is interrupted", Flag()),
    Attribute("slowdown_percent", "Slower than the baseline by", Number("%", most=1_000_000)),
    Attribute(
        "is_beyond_tolerance",
        "Slower than the baseline tolerates",
        Flag(),
        help="By policy intake.baseline_tolerance_percent.",
    ),
    Attribute("is_standard_request", "It is a standard request", Flag()),
    Attribute("is_support_tried", "Support was tried already", Flag()),
    Attribute("is_sla_covered", "An SLA covers it", Flag()),
    Attribute("is_planned_change", "A change is wanted", Flag()),
    Attribute("is_recurring", "It comes back again and again", Flag()),
    Attribute("has_duplicate", "An incident about it is open", Flag()),
)
