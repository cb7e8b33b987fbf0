"""Schedules, who is on call, and overrides."""

import datetime
from typing import Any

import django_filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from config import clock
from config.apikit.serializers import Input, Ref
from config.apikit.views import VIEW, Creates, Edits, Histories, Removes, Resource, verb
from config.organisation.models import Scope, Team, User
from escalation.rota import operations
from escalation.rota.models import Layer, Override, Schedule, Turn
from escalation.rota.operations import LayerPlan


class TurnOut(serializers.ModelSerializer[Turn]):
    """A person's place in a rotation."""

    username = serializers.CharField(source="user.username", read_only=True)
    name = serializers.CharField(source="user.name", read_only=True)

    class Meta:
        model = Turn
        fields = read_only_fields = ("position", "username", "name")


class LayerOut(serializers.ModelSerializer[Layer]):
    """A rotation, with its people in order."""

    people = TurnOut(source="turns", many=True, read_only=True)

    class Meta:
        model = Layer
        fields = read_only_fields = (
            "name", "position", "starts_on", "ends_on", "handoff", "days", "people",
        )  # fmt: skip


class ScheduleOut(serializers.ModelSerializer[Schedule]):
    """A schedule with its rotations."""

    version = serializers.IntegerField(source="revision", read_only=True)
    team = serializers.SlugRelatedField[Team](slug_field="key", read_only=True)
    layers = LayerOut(many=True, read_only=True)

    class Meta:
        model = Schedule
        fields = read_only_fields = (
            "key", "name", "team", "time_zone", "is_active", "layers", "version",
        )  # fmt: skip


class LayerIn(Input):
    """A rotation; `people` are user names in the order of their turns."""

    name = serializers.CharField(max_length=60, default="Primary")
    starts_on = serializers.DateField()
    ends_on = serializers.DateField(required=False, allow_null=True)
    handoff = serializers.TimeField()
    days = serializers.IntegerField(min_value=1, max_value=366, default=7)
    people = serializers.ListField(child=Ref(User, "username"), min_length=1, max_length=100)


class ScheduleIn(Input):
    """A new schedule."""

    key = serializers.SlugField(max_length=60)
    name = serializers.CharField(max_length=120)
    team = Ref(Team)
    time_zone = serializers.CharField(max_length=64, default="UTC")
    layers = LayerIn(many=True, allow_empty=False)


class ScheduleEditIn(Input):
    """What can be changed; `layers` replaces all rotations."""

    name = serializers.CharField(max_length=120)
    time_zone = serializers.CharField(max_length=64)
    is_active = serializers.BooleanField()
    layers = LayerIn(many=True, allow_empty=False)
    reason = serializers.CharField(required=False)

    def validate_layers(self, layers: list[dict[str, Any]]) -> Any:
        """The body of a PATCH is partial at its top only: each rotation is whole."""
        whole = LayerIn(data=self.initial_data["layers"], many=True, context=self.context)
        whole.is_valid(raise_exception=True)
        return whole.validated_data


class OnCallOut(serializers.Serializer[Any]):
    """Who is on call at an instant."""

    schedule = serializers.CharField()
    at = serializers.DateTimeField()
    username = serializers.CharField(allow_null=True)
    name = serializers.CharField(allow_null=True)


class CoverOut(serializers.Serializer[Any]):
    """One interval of the final schedule."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    username = serializers.CharField()
    is_override = serializers.BooleanField()


class ReachabilityOut(serializers.Serializer[Any]):
    """A person of the schedule, and whether one fault could make them unreachable."""

    username = serializers.CharField()
    verified = serializers.IntegerField()
    enough = serializers.BooleanField()


class ScheduleFilters(django_filters.FilterSet):
    """Filters of the list."""

    team = django_filters.CharFilter(field_name="team__key")
    active = django_filters.BooleanFilter(field_name="is_active")

    class Meta:
        model = Schedule
        fields: list[str] = []


def _plans(layers: list[dict[str, Any]]) -> list[LayerPlan]:
    return [LayerPlan(**layer) for layer in layers]


class ScheduleViewSet(Creates, Edits, Histories, Resource[Schedule]):
    """Schedules of the teams that one can see."""

    model = Schedule
    out = ScheduleOut
    lookup_field = "key"
    inputs = {"create": ScheduleIn, "partial_update": ScheduleEditIn}
    filterset_class = ScheduleFilters
    create_in = "team"
    scope_read, scope_write = Scope.ONCALL_READ, Scope.ONCALL_WRITE
    action_permissions = {
        "list": VIEW, "retrieve": VIEW, "history": VIEW, "on_call": VIEW, "covers": VIEW,
        "reachability": VIEW,
        "create": "add_schedule", "partial_update": "edit",
    }  # fmt: skip

    def shown(self, rows: Any) -> Any:
        """With the rotations and their people."""
        return rows.with_layers()

    def perform_create(self, data: dict[str, Any], actor: User) -> Schedule:
        """Make the schedule."""
        layers = _plans(data.pop("layers"))
        return operations.create_schedule(layers=layers, actor=actor, **data)

    def perform_edit(self, row: Schedule, data: dict[str, Any], actor: User) -> Schedule:
        """Change it, and replace its rotations when given."""
        reason = data.pop("reason", "")
        layers = data.pop("layers", None)
        operations.edit_schedule(
            row,
            actor=actor,
            values=data,
            layers=_plans(layers) if layers is not None else None,
            reason=reason,
        )
        return Schedule.objects.with_layers().get(pk=row.pk)

    @extend_schema(
        responses=OnCallOut,
        parameters=[OpenApiParameter("at", datetime.datetime, description="Default: now.")],
    )
    @action(detail=True, methods=["get"], url_path="on-call", filter_backends=[])
    def on_call(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Who is on call at the instant."""
        row = self.get_object()
        at = _instant(request, "at", clock.now())
        person = operations.on_call(row, at)
        found = {"schedule": row.key, "at": at, "username": None, "name": None}
        if person is not None:
            found |= {"username": person.username, "name": person.name}
        return Response(OnCallOut(found).data)

    @extend_schema(responses=ReachabilityOut(many=True))
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=[])
    def reachability(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """How many verified contact methods everybody has; fewer than two are too few."""
        rows = [
            {
                "username": user.username,
                "verified": count,
                "enough": count >= operations.ENOUGH_ADDRESSES,
            }
            for user, count in operations.reachability(self.get_object())
        ]
        return Response(ReachabilityOut(rows, many=True).data)

    @extend_schema(
        responses=CoverOut(many=True),
        parameters=[
            OpenApiParameter("from", datetime.datetime, description="Default: now."),
            OpenApiParameter("until", datetime.datetime, description="Default: two weeks later."),
        ],
    )
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=[])
    def covers(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The final schedule of a period, overrides applied; gaps are left out."""
        row = self.get_object()
        start = _instant(request, "from", clock.now())
        end = _instant(request, "until", start + datetime.timedelta(days=14))
        covers = operations.covers(row, start, end)
        names = dict(
            User.objects.filter(pk__in={cover.person for cover in covers}).values_list(
                "pk", "username"
            )
        )
        rows = [
            {
                "start": cover.start,
                "end": cover.end,
                "username": names[cover.person],
                "is_override": cover.is_override,
            }
            for cover in covers
        ]
        return Response(CoverOut(rows, many=True).data)


def _instant(request: Request, name: str, default: datetime.datetime) -> datetime.datetime:
    given = request.query_params.get(name)
    if given is None:
        return default
    field = serializers.DateTimeField()
    try:
        value = field.run_validation(given)
    except serializers.ValidationError as error:
        raise serializers.ValidationError({name: error.detail}) from error
    return value if isinstance(value, datetime.datetime) else default


class OverrideOut(serializers.ModelSerializer[Override]):
    """An override."""

    version = serializers.IntegerField(source="revision", read_only=True)
    schedule = serializers.SlugRelatedField[Schedule](slug_field="key", read_only=True)
    user = serializers.SlugRelatedField[User](slug_field="username", read_only=True)
    start = serializers.DateTimeField(source="span.lower", read_only=True)
    end = serializers.DateTimeField(source="span.upper", read_only=True)

    class Meta:
        model = Override
        fields = read_only_fields = (
            "id", "schedule", "user", "start", "end", "reason", "withdrawn_at", "version",
        )  # fmt: skip


class OverrideIn(Input):
    """Somebody takes over from `start` to `end`."""

    schedule = Ref(Schedule)
    user = Ref(User, "username")
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    reason = serializers.CharField(max_length=200, required=False, default="")


class WithdrawIn(Input):
    """Why the override is taken back."""

    reason = serializers.CharField(max_length=200, required=False, default="")


class OverrideFilters(django_filters.FilterSet):
    """Filters of the list."""

    schedule = django_filters.CharFilter(field_name="schedule__key")
    user = django_filters.CharFilter(field_name="user__username")
    standing = django_filters.BooleanFilter(field_name="withdrawn_at", lookup_expr="isnull")

    class Meta:
        model = Override
        fields: list[str] = []


class OverrideViewSet(Creates, Removes, Histories, Resource[Override]):
    """Overrides of the schedules that one can see; DELETE withdraws."""

    model = Override
    out = OverrideOut
    inputs = {"create": OverrideIn}
    filterset_class = OverrideFilters
    create_in = "schedule"
    scope_read, scope_write = Scope.ONCALL_READ, Scope.ONCALL_WRITE
    action_permissions = {
        "list": VIEW, "retrieve": VIEW, "history": VIEW,
        "create": "override", "withdraw": "withdraw", "destroy": "withdraw",
    }  # fmt: skip

    def shown(self, rows: Any) -> Any:
        """With schedule and person."""
        return rows.select_related("schedule", "user")

    def perform_create(self, data: dict[str, Any], actor: User) -> Override:
        """Add it."""
        return operations.add_override(data.pop("schedule"), actor=actor, **data)

    def perform_remove(self, row: Override, actor: User) -> None:
        """Withdraw it."""
        operations.withdraw_override(row, actor=actor)

    @verb(WithdrawIn)
    def withdraw(self, row: Override, data: dict[str, Any], actor: User) -> None:
        """Take the override back."""
        operations.withdraw_override(row, actor=actor, reason=data["reason"])
