"""What the list of incidents can be narrowed to, beside the values of its columns."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from config import clock
from config.adminkit.base import SimpleListFilter
from config.adminkit.scoping import actor_of
from incidents.lifecycle.models.severity import overdue_incidents
from incidents.lifecycle.rules import State
from incidents.taxonomy.models import Severity

MAJOR = (Severity.SEV1, Severity.SEV2)


class AttentionFilter(SimpleListFilter):
    """What still needs somebody."""

    title = "attention"
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [
            ("open", "Open"),
            ("major", "Open, SEV1 or SEV2"),
            ("overdue", "Provisional SEV1, overdue"),
            ("unacknowledged", "Open, not acknowledged"),
            ("acknowledged", "Open and acknowledged"),
            ("unclosed", "Resolved, not closed"),
            ("ended", "Closed or cancelled"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the choice."""
        rows: Any = queryset
        found: QuerySet[Any] = queryset
        match self.value():
            case "open":
                found = rows.open()
            case "major":
                found = rows.open().filter(severity__in=MAJOR)
            case "overdue":
                found = rows.filter(pk__in=overdue_incidents(clock.now()).values("pk"))
            case "unacknowledged":
                found = rows.unacknowledged()
            case "acknowledged":
                found = rows.open().filter(acknowledged_at__isnull=False)
            case "unclosed":
                found = rows.filter(state=State.RESOLVED)
            case "ended":
                found = rows.filter(state__in=(State.CLOSED, State.CANCELLED))
        return found


class WhoseFilter(SimpleListFilter):
    """Whose they are; for everybody who opens a shared view it means themselves."""

    title = "whose"
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [("me", "Acknowledged by me"), ("my_teams", "Of my teams")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the choice."""
        actor = actor_of(request)
        match self.value():
            case "me":
                return queryset.filter(acknowledged_by=actor)
            case "my_teams":
                # Ids first: a subquery would keep the planner from the index on the team.
                return queryset.filter(team__in=list(actor.teams.values_list("pk", flat=True)))
        return queryset
