"""Reviews: what is owed, and holding, publishing and waiving."""

from typing import Any, ClassVar

import django_filters
from django.db.models import Q
from rest_framework import serializers

from config import clock
from config.apikit.serializers import Input, Ref
from config.apikit.views import VIEW, Edits, Histories, Resource, verb
from config.organisation.models import User
from postmortems.reviews import operations
from postmortems.reviews.models import Review, ReviewState


class ReviewOut(serializers.ModelSerializer[Review]):
    """A review and its times."""

    version = serializers.IntegerField(source="revision", read_only=True)
    incident = serializers.CharField(source="incident.reference", read_only=True)
    severity = serializers.CharField(source="incident.severity", read_only=True)
    facilitator = serializers.SlugRelatedField[User](slug_field="username", read_only=True)
    is_overdue = serializers.BooleanField(read_only=True)

    reads: ClassVar = {"is_overdue": ("state", "due_at")}

    class Meta:
        model = Review
        fields = read_only_fields = (
            "id", "incident", "severity", "state", "due_at", "is_overdue", "overdue_at",
            "facilitator", "summary", "held_at", "published_at", "waived_at", "waiver_reason",
            "version",
        )  # fmt: skip


class ReviewEditIn(Input):
    """What can be written before publication."""

    summary = serializers.CharField(allow_blank=True)
    facilitator = Ref(User, "username")


class HoldIn(Input):
    """The review took place."""

    summary = serializers.CharField(required=False, default="", allow_blank=True)
    at = serializers.DateTimeField(required=False)


class WaiveIn(Input):
    """Why no review is needed."""

    reason = serializers.CharField()


class ReviewFilters(django_filters.FilterSet):
    """Filters of the list."""

    incident = django_filters.CharFilter(field_name="incident__reference", lookup_expr="iexact")
    state = django_filters.MultipleChoiceFilter(choices=ReviewState.choices)
    team = django_filters.CharFilter(field_name="incident__team__key")
    overdue = django_filters.BooleanFilter(method="filter_overdue")
    due_before = django_filters.IsoDateTimeFilter(field_name="due_at", lookup_expr="lt")

    class Meta:
        model = Review
        fields: list[str] = []

    def filter_overdue(self, rows: Any, name: str, value: bool) -> Any:
        """Owed beyond their time, or the rest."""
        late = Q(state=ReviewState.OWED, due_at__lte=clock.now())
        return rows.filter(late) if value else rows.exclude(late)


class ReviewViewSet(Edits, Histories, Resource[Review]):
    """Reviews of incidents that one can see."""

    model = Review
    out = ReviewOut
    inputs = {"partial_update": ReviewEditIn}
    filterset_class = ReviewFilters
    action_permissions = {
        "list": VIEW, "retrieve": VIEW, "history": VIEW,
        "partial_update": "edit", "hold": "hold", "publish": "publish", "waive": "waive",
    }  # fmt: skip

    def shown(self, rows: Any) -> Any:
        """With incident and facilitator."""
        return rows.select_related("incident", "facilitator")

    def perform_edit(self, row: Review, data: dict[str, Any], actor: User) -> None:
        """Write summary and facilitator."""
        operations.edit_review(row, actor=actor, **data)

    @verb(HoldIn)
    def hold(self, row: Review, data: dict[str, Any], actor: User) -> None:
        """The review took place."""
        operations.hold(row, actor=actor, **data)

    @verb()
    def publish(self, row: Review, data: dict[str, Any], actor: User) -> None:
        """Publish what was learnt; by another person than the facilitator."""
        operations.publish(row, actor=actor)

    @verb(WaiveIn)
    def waive(self, row: Review, data: dict[str, Any], actor: User) -> None:
        """Compliance decides that no review is needed."""
        operations.waive(row, actor=actor, reason=data["reason"])
