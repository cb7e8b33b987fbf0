"""`/api/v1/services/` and `/api/v1/business-functions/`: the catalogue."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from config.access.operations import enterprise
from config.apikit.serializers import Input, Ref
from config.apikit.views import (
    VIEW,
    Creates,
    Edits,
    Histories,
    Resource,
    adding,
    listing,
    verb,
)
from config.errors import Invalid
from config.organisation.models import KEY_VALIDATOR, BusinessUnit, Team, User
from incidents.calendars.api import AT, HoursOut, hours_at, instant_of
from incidents.calendars.models import OperatingCalendar
from incidents.catalog import operations
from incidents.catalog.models import BusinessFunction, Service, ServiceRegion
from incidents.catalog.rules import BusinessImpact, DataClass, ScopeOverride, ServiceStatus


class ServiceOut(serializers.ModelSerializer[Service]):
    """One service. `in_scope` and `sla_reportable` follow from the scope rule, or an override."""

    team = serializers.SlugRelatedField[Team](slug_field="key", read_only=True)
    unit = serializers.SlugRelatedField[Any](source="team.unit", slug_field="key", read_only=True)
    owner = serializers.SlugRelatedField[User](
        slug_field="username", read_only=True, allow_null=True
    )
    function = serializers.SlugRelatedField[BusinessFunction](
        slug_field="key", read_only=True, allow_null=True
    )
    customer_facing = serializers.BooleanField(source="is_customer_facing", read_only=True)
    key_workflow = serializers.BooleanField(source="is_key_workflow", read_only=True)
    sla_governed = serializers.BooleanField(source="is_sla_governed", read_only=True)
    regulated = serializers.BooleanField(source="is_regulated", read_only=True)
    sla_reportable = serializers.BooleanField(source="is_sla_reportable", read_only=True)
    scope_rule = serializers.IntegerField(
        source="scope_version_id",
        read_only=True,
        allow_null=True,
        help_text="The version of the scope rule that decided, below /api/v1/scope-rules/.",
    )
    data_classes = serializers.ListField(child=serializers.CharField(), read_only=True)
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = Service
        fields = read_only_fields = (
            *("key", "name", "description", "team", "unit", "owner", "function", "tier"),
            *("business_impact", "status", "region", "customer_facing", "key_workflow"),
            *("sla_governed", "regulated", "data_classes", "rto_minutes", "rpo_minutes"),
            *("runbook_url", "in_scope", "sla_reportable", "scope_rule", "scope_line"),
            *("scope_override", "scope_override_reason", "scope_override_until", "version"),
        )


def _minutes() -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=0, max_value=2**31 - 1, required=False, allow_null=True
    )


class ServiceIn(Input):
    """A new service."""

    key = serializers.CharField(max_length=60, validators=[KEY_VALIDATOR])
    name = serializers.CharField(max_length=120)
    team = Ref(Team, "key")
    owner = Ref(User, "username", required=False, allow_null=True)
    function = Ref(BusinessFunction, "key", required=False, allow_null=True)
    description = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    tier = serializers.IntegerField(min_value=1, max_value=4, required=False)
    business_impact = serializers.ChoiceField(
        choices=BusinessImpact.choices, required=False, allow_blank=True
    )
    status = serializers.ChoiceField(choices=ServiceStatus.choices, required=False)
    region = serializers.CharField(required=False, allow_blank=True, max_length=40)
    customer_facing = serializers.BooleanField(source="is_customer_facing", required=False)
    key_workflow = serializers.BooleanField(source="is_key_workflow", required=False)
    sla_governed = serializers.BooleanField(source="is_sla_governed", required=False)
    regulated = serializers.BooleanField(source="is_regulated", required=False)
    data_classes = serializers.ListField(
        child=serializers.ChoiceField(choices=DataClass.choices), required=False, max_length=20
    )
    rto_minutes = _minutes()
    rpo_minutes = _minutes()
    runbook_url = serializers.URLField(required=False, allow_blank=True, max_length=200)


class ServiceEditIn(ServiceIn):
    """What can be changed, with a reason for the history."""

    reason = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class OverrideIn(Input):
    """What a person decides against the rule, why, and until when."""

    to = serializers.ChoiceField(choices=ScopeOverride.choices)
    reason = serializers.CharField(max_length=2000)
    until = serializers.DateTimeField()


class EndOverrideIn(Input):
    """Why the rule shall decide again."""

    reason = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class RegionOut(serializers.ModelSerializer[ServiceRegion]):
    """A region of a service, and the calendar that it keeps there."""

    calendar = serializers.SlugRelatedField[OperatingCalendar](slug_field="key", read_only=True)

    class Meta:
        model = ServiceRegion
        fields = read_only_fields = ("region", "calendar")


class RegionIn(Input):
    """A region and its calendar; a region that is there gets this calendar."""

    region = serializers.CharField(max_length=40)
    calendar = Ref(OperatingCalendar, "key")


class RemoveRegionIn(Input):
    """The region in which the service isn't offered any more."""

    region = serializers.CharField(max_length=40)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class RegionHoursOut(HoursOut):
    """Whether a service works in a region at an instant."""

    region = serializers.CharField(read_only=True)


class ServiceHoursOut(serializers.Serializer[Any]):
    """Whether a service works at an instant: per region, and in any of them."""

    in_hours = serializers.BooleanField(
        read_only=True, allow_null=True, help_text="In any region; null where none is timed."
    )
    regions = RegionHoursOut(many=True, read_only=True)


class ServiceFilters(django_filters.FilterSet):
    """By owner, tier, status and scope."""

    team = django_filters.CharFilter(field_name="team__key")
    owner = django_filters.CharFilter(field_name="owner__username")
    function = django_filters.CharFilter(field_name="function__key")
    tier = django_filters.NumberFilter(min_value=1, max_value=4)
    status = django_filters.MultipleChoiceFilter(choices=ServiceStatus.choices)
    in_scope = django_filters.BooleanFilter()
    sla_reportable = django_filters.BooleanFilter(field_name="is_sla_reportable")

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
        **dict.fromkeys(("list", "retrieve", "history", "regions", "in_hours"), VIEW),
        "create": "add_service",
        **dict.fromkeys(("partial_update", "add_region", "remove_region"), "edit"),
        "override_scope": "override_scope",
        "end_scope_override": "end_scope_override",
    }

    def shown(self, rows: QuerySet[Service]) -> QuerySet[Service]:
        """With all that the answer names."""
        return rows.select_related("team__unit", "owner", "function")

    def perform_create(self, data: dict[str, Any], actor: User) -> Service:
        """Enter it in the catalogue."""
        return operations.create_service(actor=actor, **data)

    def perform_edit(self, row: Service, data: dict[str, Any], actor: User) -> Service:
        """The version was compared already."""
        reason = data.pop("reason", "")
        return operations.edit_service(row, actor=actor, changes=data, reason=reason)

    @verb(OverrideIn)
    def override_scope(self, row: Service, data: dict[str, Any], actor: User) -> None:
        """Decide against the scope rule, for a reason and a time."""
        operations.override_scope(row, actor=actor, **data)

    @verb(EndOverrideIn)
    def end_scope_override(self, row: Service, data: dict[str, Any], actor: User) -> None:
        """Let the scope rule decide again."""
        operations.end_scope_override(row, actor=actor, **data)

    @listing(RegionOut)
    def regions(self, row: Service) -> QuerySet[ServiceRegion]:
        """Where it is offered, and by which calendars."""
        return row.regions.select_related("calendar")

    @regions.mapping.post  # type: ignore[untyped-decorator]  # DRF's own
    @adding(RegionIn, RegionOut)
    def add_region(self, row: Service, data: dict[str, Any], actor: User) -> ServiceRegion:
        """Offer it in a region, or give the region another calendar."""
        return operations.set_region(row, actor=actor, **data)

    @verb(RemoveRegionIn)
    def remove_region(self, row: Service, data: dict[str, Any], actor: User) -> None:
        """It isn't offered there any more."""
        found = row.regions.filter(region=data.pop("region")).first()
        if found is None:
            raise Invalid("The service has no such region.", field="region")
        operations.remove_region(found, actor=actor, **data)

    @extend_schema(responses=ServiceHoursOut, parameters=[AT])
    @action(detail=True, methods=["get"], url_path="in-hours", filter_backends=[])
    def in_hours(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Whether it works at the instant, in each region by its own calendar."""
        row, at = self.get_object(), instant_of(request)
        regions = [
            {"region": each.region, **hours_at(each.calendar, at)}
            for each in operations.hours_of(row)
        ]
        answer = {"in_hours": operations.is_in_hours(row, at), "regions": regions}
        return Response(ServiceHoursOut(answer).data)


class FunctionOut(serializers.ModelSerializer[BusinessFunction]):
    """One business function."""

    unit = serializers.SlugRelatedField[Any](slug_field="key", read_only=True, allow_null=True)
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = BusinessFunction
        fields = read_only_fields = ("key", "name", "description", "unit", "version")


class FunctionIn(Input):
    """A new business function."""

    key = serializers.CharField(max_length=60, validators=[KEY_VALIDATOR])
    name = serializers.CharField(max_length=120)
    description = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    unit = Ref(BusinessUnit, required=False, allow_null=True)


class FunctionEditIn(FunctionIn):
    """What can be changed, with a reason for the history."""

    reason = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class FunctionFilters(django_filters.FilterSet):
    """By unit."""

    unit = django_filters.CharFilter(field_name="unit__key")

    class Meta:
        model = BusinessFunction
        fields: list[str] = []


class FunctionViewSet(Creates, Edits, Histories, Resource[BusinessFunction]):
    """Business functions, by key."""

    model = BusinessFunction
    out = FunctionOut
    lookup_field = "key"
    inputs = {"create": FunctionIn, "partial_update": FunctionEditIn}
    filterset_class = FunctionFilters
    action_permissions = {
        **dict.fromkeys(("list", "retrieve", "history"), VIEW),
        "create": "add_function",
        "partial_update": "edit",
    }

    def shown(self, rows: QuerySet[BusinessFunction]) -> QuerySet[BusinessFunction]:
        """With the unit."""
        return rows.select_related("unit")

    def container_for(self, data: Any) -> BusinessUnit:
        """The unit, or the enterprise."""
        return data.get("unit") or enterprise()

    def perform_create(self, data: dict[str, Any], actor: User) -> BusinessFunction:
        """Enter it."""
        return operations.create_function(actor=actor, **data)

    def perform_edit(
        self, row: BusinessFunction, data: dict[str, Any], actor: User
    ) -> BusinessFunction:
        """The version was compared already."""
        reason = data.pop("reason", "")
        return operations.edit_function(row, actor=actor, changes=data, reason=reason)
