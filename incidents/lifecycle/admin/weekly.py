"""Incidents per week by severity: bars to look at, a table to read."""

import datetime
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.db.models.functions import TruncWeek
from django.http import HttpRequest

from config import clock
from config.adminkit.home import Section, home_section
from config.adminkit.scoping import actor_of
from incidents.lifecycle.admin.home import list_of
from incidents.lifecycle.models import Incident
from incidents.taxonomy.models import Severity

WEEKS = 12
WEEK = datetime.timedelta(weeks=1)


@dataclass(frozen=True)
class Part:
    """One severity in one week; its height in percent of the chart."""

    severity: str
    number: int
    height: str


@dataclass(frozen=True)
class Week:
    """One bar."""

    start: datetime.date
    parts: list[Part]

    @property
    def total(self) -> int:
        """Of all severities."""
        return sum(part.number for part in self.parts)

    @property
    def title(self) -> str:
        """In words."""
        parts = ", ".join(f"{part.number} {part.severity}" for part in self.parts if part.number)
        return f"Week from {self.start}: {parts or 'none'}"


@home_section(order=70)
def incidents_per_week(request: HttpRequest) -> Section:
    """The last twelve weeks of what the visitor may see."""
    this_week = clock.now().date()
    this_week -= datetime.timedelta(days=this_week.weekday())
    first = this_week - WEEK * (WEEKS - 1)
    return Section(
        "Incidents per week, by severity",
        template="incidents/weekly.html",
        data=chart(counted(request, first), first),
        is_wide=True,
        link=list_of(),
    )


def counted(request: HttpRequest, first: datetime.date) -> Counter[tuple[datetime.date, str]]:
    """How many were opened, by week and severity."""
    since = datetime.datetime.combine(first, datetime.time(), datetime.UTC)
    rows = (
        Incident.objects.visible_to(actor_of(request))
        .filter(opened_at__gte=since)
        .order_by()
        .values_list(TruncWeek("opened_at", tzinfo=datetime.UTC), "severity")
        .annotate(Count("pk", distinct=True))
    )
    return Counter({(week.date(), severity): number for week, severity, number in rows})


def chart(numbers: Counter[tuple[datetime.date, str]], first: datetime.date) -> dict[str, Any]:
    """Weeks with the heights of their parts, and the totals."""
    starts = [first + WEEK * number for number in range(WEEKS)]
    severities = [str(each.value) for each in Severity]
    top = max(max(sum(numbers[start, each] for each in severities) for start in starts), 1)
    return {
        "top": top,
        "weeks": [
            Week(
                start,
                [
                    Part(each, numbers[start, each], f"{numbers[start, each] / top * 100:.1f}")
                    for each in severities
                ],
            )
            for start in starts
        ],
        "totals": [(each, sum(numbers[start, each] for start in starts)) for each in severities],
    }
