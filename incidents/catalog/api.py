"""`/api/v1/services/`: the catalogue."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers

from config.apikit.serializers import Input, Ref
from config.apikit.views import VIEW, Creates, Edits, Histories, Resource
from config.organisation.models import KEY_VALIDATOR, Team, User
from incidents.catalog import operations
from incidents.catalog.models import Service, ServiceStatus


class ServiceOut(serializers.ModelSerializer[Service]):
    """One service."""

    team = serializers.SlugRelatedField[Team](slug_field="key", read_only=True)
    unit = serializers.SlugRelatedField[Any](source="team.unit", slug_field="key", read_only=True)
    customer_facing = serializers.BooleanField(source="is_customer_facing", read_only=True)
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = Service
        fields = read_only_fields = (
            *("key", "name", "description", "team", "unit", "tier", "status", "region"),
            *("customer_facing", "rto_minutes", "rpo_minutes", "runbook_url", "version"),
        )


class ServiceIn(Input):
    """A new service."""

    key = serializers.CharField(max_length=60, validators=[KEY_VALIDATOR])
    name = serializers.CharField(max_length=120)
    team = Ref(Team, "key")
    description = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    tier = serializers.IntegerField(min_value=1, max_value=4, required=False)
    status = serializers.ChoiceField(choices=ServiceStatus.choices, required=False)
    region = serializers.CharField(required=False, allow_blank=True, max_length=40)
    customer_facing = serializers.BooleanField(source="is_customer_facing", required=False)
    rto_minutes = serializers.IntegerField(
        min_value=0, max_value=2**31 - 1, required=False, allow_null=True
    )
    rpo_minutes = serializers.IntegerField(
        min_value=0, max_value=2**31 - 1, required=False, allow_null=True
    )
    runbook_url = serializers.URLField(required=False, allow_blank=True, max_length=200)


class ServiceEditIn(ServiceIn):
    """What can be changed, with a reason for the history."""

    reason = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class ServiceFilters(django_filters.FilterSet):
    """By owner, tier and status."""

    team = django_filters.CharFilter(field_name="team__key")
    tier = django_filters.NumberFilter(min_value=1, max_value=4)
    status = django_filters.MultipleChoiceFilter(choices=ServiceStatus.choices)

    class Meta:
        model = Service
        fields: list[str] = []


class ServiceViewSet(Creates, Edits, Histories, Resource[Service]):
    """Services, by key."""

    model = Service
    out = ServiceOut
    lookup_field = "key"
    inputs = {"create": ServiceIn, "partial_update": ServiceEditIn}
    filterset_class = ServiceFilters
    create_in = "team"
    action_permissions = {
        **dict.fromkeys(("list", "retrieve", "history"), VIEW),
        "create": "add_service",
        "partial_update": "edit",
    }

    def shown(self, rows: QuerySet[Service]) -> QuerySet[Service]:
        """With team and unit."""
        return rows.select_related("team__unit")

    def perform_create(self, data: dict[str, Any], actor: User) -> Service:
        """Enter it in the catalogue."""
        return operations.create_service(actor=actor, **data)

    def perform_edit(self, row: Service, data: dict[str, Any], actor: User) -> Service:
        """The version was compared already."""
        reason = data.pop("reason", "")
        return operations.edit_service(row, actor=actor, changes=data, reason=reason)
