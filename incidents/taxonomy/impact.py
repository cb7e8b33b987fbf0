"""What severity is computed from: measured impact, and never the time that has passed (E1.1)."""

from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Case, CharField, Expression, F, Q, Value, When
from django.db.models.functions import Coalesce, NullIf
from django.db.models.lookups import Exact

from config.conditions.attributes import Attribute, register
from config.conditions.kinds import Choice, Flag, Number
from incidents.taxonomy.models import DataSensitivity, Exposure, Level
from incidents.taxonomy.rules import TIER_WITHOUT_SERVICE, Cells

SUBJECT = "impact"
# The names under which an incident keeps its inputs; all may be unknown.
MEASURED = ("users_affected", "revenue_per_hour", "exposure", "data_sensitivity", "is_regulatory")
MOST_USERS = 10_000_000_000
MOST_REVENUE = 1_000_000_000_000


@dataclass(frozen=True)
class Impact:
    """The inputs of one classification. None, or an empty text, is what nobody knows yet."""

    level: str
    tier: int | None = None
    users_affected: int | None = None
    revenue_per_hour: int | None = None
    exposure: str = ""
    data_sensitivity: str = ""
    is_regulatory: bool | None = None
    in_hours: bool | None = None
    is_customer_facing: bool | None = None

    @property
    def counted_tier(self) -> int:
        """Incidents without a service count as a middle tier."""
        return TIER_WITHOUT_SERVICE if self.tier is None else self.tier

    def facts(self) -> dict[str, Any]:
        """For conditions: what is empty isn't known."""
        said = asdict(self) | {"tier": self.counted_tier}
        return {name: None if value == "" else value for name, value in said.items()}


def cells_in_sql(cells: Cells) -> Expression:
    """The table of levels and tiers as an expression over incidents."""
    whens = [
        When(Q(Exact(F("level"), level)) & Q(Exact(_tier(), tier)), then=Value(severity))
        for (level, tier), severity in cells.items()
    ]
    return Case(*whens, output_field=CharField())


def _tier() -> Coalesce:
    return Coalesce(F("service__tier"), TIER_WITHOUT_SERVICE)


def _said(column: str) -> NullIf:
    """An empty text is what nobody knows."""
    return NullIf(F(column), Value(""))


register(
    SUBJECT,
    Attribute("level", "Level", Choice(tuple(Level.choices)), path="level"),
    Attribute(
        "tier",
        "Tier of the service",
        Number(least=1, most=4),
        path=_tier,
        help="1 is the most critical.",
    ),
    Attribute("users_affected", "Users affected", Number(most=MOST_USERS), path="users_affected"),
    Attribute(
        "revenue_per_hour",
        "Revenue lost per hour",
        Number(most=MOST_REVENUE),
        path="revenue_per_hour",
        help="In whole units of the company's currency.",
    ),
    Attribute(
        "exposure", "Exposure", Choice(tuple(Exposure.choices)), path=lambda: _said("exposure")
    ),
    Attribute(
        "data_sensitivity",
        "Sensitivity of the data",
        Choice(tuple(DataSensitivity.choices)),
        path=lambda: _said("data_sensitivity"),
    ),
    Attribute("is_regulatory", "A regulator must be told", Flag(), path="is_regulatory"),
    Attribute(
        "in_hours",
        "In operating hours",
        Flag(),
        path="was_in_hours",
        help="Of the service's calendar in its region, when the incident was opened.",
    ),
    Attribute(
        "is_customer_facing",
        "Customer-facing service",
        Flag(),
        path="service__is_customer_facing",
    ),
)
