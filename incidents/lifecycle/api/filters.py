"""The filters of the list of incidents."""

from typing import Any

import django_filters
from django.db.models import QuerySet

from config import clock
from incidents.lifecycle.models import Incident
from incidents.lifecycle.models.severity import overdue_incidents
from incidents.lifecycle.rules import OPEN_STATES, State
from incidents.taxonomy.models import Level, Severity


class IncidentFilters(django_filters.FilterSet):
    """By state, severity and level (repeat them for several), owner, and time of opening."""

    state = django_filters.MultipleChoiceFilter(choices=State.choices)
    severity = django_filters.MultipleChoiceFilter(choices=Severity.choices)
    level = django_filters.MultipleChoiceFilter(choices=Level.choices)
    service = django_filters.CharFilter(field_name="service__key")
    team = django_filters.CharFilter(field_name="team__key")
    unit = django_filters.CharFilter(field_name="unit__key")
    type = django_filters.CharFilter(field_name="type__key")
    category = django_filters.CharFilter(field_name="category__key")
    closure_code = django_filters.CharFilter(field_name="closure_code__key")
    cause_code = django_filters.CharFilter(field_name="cause_code__key")
    tag = django_filters.CharFilter(method="by_tag")
    open = django_filters.BooleanFilter(method="by_open")
    acknowledged = django_filters.BooleanFilter(
        field_name="acknowledged_at", lookup_expr="isnull", exclude=True
    )
    provisional_overdue = django_filters.BooleanFilter(method="by_overdue")
    opened_after = django_filters.IsoDateTimeFilter(field_name="opened_at", lookup_expr="gte")
    opened_before = django_filters.IsoDateTimeFilter(field_name="opened_at", lookup_expr="lt")

    class Meta:
        model = Incident
        fields: list[str] = []

    def by_tag(self, rows: QuerySet[Incident], name: str, value: str) -> QuerySet[Incident]:
        """Those that have the tag, by its key."""
        return rows.filter(tags__contains=[value])

    def by_open(self, rows: QuerySet[Incident], name: str, value: Any) -> QuerySet[Incident]:
        """Open: not resolved, closed or cancelled."""
        return rows.filter(state__in=OPEN_STATES) if value else rows.exclude(state__in=OPEN_STATES)

    def by_overdue(self, rows: QuerySet[Incident], name: str, value: Any) -> QuerySet[Incident]:
        """Open ones whose provisional severity should have been decided by now."""
        late = overdue_incidents(clock.now()).values("pk")
        return rows.filter(pk__in=late) if value else rows.exclude(pk__in=late)
