"""`/api/v1/break-glass/`: open, end, review."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers

from config.apikit.serializers import Input
from config.apikit.views import OPEN, VIEW, Creates, Histories, Resource, verb
from config.breakglass import operations
from config.breakglass.models import BreakGlass, Outcome
from config.organisation.models import User


class BreakGlassOut(serializers.ModelSerializer[BreakGlass]):
    """One access; an open `finding` until it is reviewed."""

    person = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    record = serializers.CharField(source="record_name", read_only=True)
    reviewed_by = serializers.SlugRelatedField[Any](
        slug_field="username", read_only=True, allow_null=True
    )
    open_finding = serializers.BooleanField(source="is_finding", read_only=True)
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = BreakGlass
        fields = read_only_fields = (
            "id", "person", "record", "reason", "opened_at", "until", "ended_at", "open_finding",
            "outcome", "finding", "reviewed_by", "reviewed_at", "version",
        )  # fmt: skip


class BreakGlassIn(Input):
    """Which record, by its reference, and why it can't wait."""

    record = serializers.CharField(max_length=100)
    reason = serializers.CharField(max_length=5000)


class EndIn(Input):
    """A word on it."""

    reason = serializers.CharField(max_length=5000, required=False, allow_blank=True)


class ReviewIn(Input):
    """What the review found."""

    outcome = serializers.ChoiceField(choices=Outcome.choices)
    finding = serializers.CharField(max_length=5000)


class BreakGlassFilters(django_filters.FilterSet):
    """Which accesses."""

    person = django_filters.CharFilter(field_name="person__username", label="User name.")
    open_finding = django_filters.BooleanFilter(
        field_name="reviewed_at", lookup_expr="isnull", label="Not reviewed yet."
    )


class BreakGlassViewSet(Creates, Histories, Resource[BreakGlass]):
    """Access by break-glass to restricted records."""

    model = BreakGlass
    out = BreakGlassOut
    inputs = {"create": BreakGlassIn}
    filterset_class = BreakGlassFilters
    lookup_value_regex = "[0-9]+"
    action_permissions = {
        **dict.fromkeys(("list", "retrieve", "history"), VIEW),
        "create": OPEN,  # the record decides, and may not be known of
        "end": "end",
        "review": VIEW,  # the operation asks, after four eyes
    }

    def shown(self, rows: QuerySet[BreakGlass]) -> QuerySet[BreakGlass]:
        """With the names."""
        return rows.select_related("person", "reviewed_by")

    def perform_create(self, data: dict[str, Any], actor: User) -> BreakGlass:
        """Break the glass."""
        return operations.break_glass(name=data["record"], reason=data["reason"], actor=actor)

    @verb(EndIn)
    def end(self, row: BreakGlass, data: dict[str, Any], actor: User) -> None:
        """Close it before its time."""
        operations.end_access(row, actor=actor, reason=data.get("reason", ""))

    @verb(ReviewIn)
    def review(self, row: BreakGlass, data: dict[str, Any], actor: User) -> None:
        """Say what was found; never about one's own."""
        operations.review_access(row, actor=actor, **data)
