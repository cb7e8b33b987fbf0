"""Pages, to read: whom we asked, when, and what became of it."""

import uuid
from typing import Any

import django_filters
from rest_framework import serializers

from config.apikit.pagination import NewestFirst
from config.apikit.views import VIEW, Resource
from config.organisation.models import Scope, User
from escalation.paging.models import Page, PageState


class PageOut(serializers.ModelSerializer[Page]):
    """One page."""

    incident = serializers.CharField(source="incident.reference", read_only=True)
    responder = serializers.SlugRelatedField[User](slug_field="username", read_only=True)
    channel = serializers.CharField(source="contact.channel", read_only=True, allow_null=True)

    class Meta:
        model = Page
        fields = read_only_fields = (
            "id", "incident", "responder", "tier", "round", "state", "channel", "due_at",
            "created_at", "sent_at", "acknowledged_at", "expires_at",
        )  # fmt: skip


class PageFilters(django_filters.FilterSet):
    """Filters of the list."""

    incident = django_filters.CharFilter(field_name="incident__reference", lookup_expr="iexact")
    responder = django_filters.CharFilter(field_name="responder__username")
    state = django_filters.MultipleChoiceFilter(choices=PageState.choices)

    class Meta:
        model = Page
        fields: list[str] = []


class PagesByAge(NewestFirst):
    """The keys are UUIDs that sort by time."""

    def is_position(self, position: str) -> bool:
        """Whether this can be a key; others would fail in the database."""
        try:
            return str(uuid.UUID(position)) == position
        except ValueError:
            return False


class PageViewSet(Resource[Page]):
    """Pages about incidents that one can see, and one's own."""

    model = Page
    out = PageOut
    filterset_class = PageFilters
    pagination_class = PagesByAge
    scope_read = Scope.INCIDENT_READ
    action_permissions = {"list": VIEW, "retrieve": VIEW}

    def shown(self, rows: Any) -> Any:
        """With incident, person and address."""
        return rows.select_related("incident", "responder", "contact")
