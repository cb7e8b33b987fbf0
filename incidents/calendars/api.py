"""`/api/v1/calendars/`: operating hours by region, and whether one is open."""

import datetime
from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from config import clock
from config.access.operations import enterprise
from config.apikit.serializers import Input, Ref
from config.apikit.views import VIEW, Creates, Edits, Histories, Resource
from config.organisation.models import KEY_VALIDATOR, BusinessUnit, User
from incidents.calendars import operations
from incidents.calendars.models import OperatingCalendar
from incidents.calendars.rules import WEEKDAYS

_FIELDS = (
    *("key", "name", "unit", "time_zone", *WEEKDAYS),
    *("holiday_country", "holiday_region", "special_days"),
)
AT = OpenApiParameter("at", datetime.datetime, description="Default: now.")


class CalendarOut(serializers.ModelSerializer[OperatingCalendar]):
    """One calendar."""

    unit = serializers.SlugRelatedField[Any](slug_field="key", read_only=True, allow_null=True)
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = OperatingCalendar
        fields = read_only_fields = (*_FIELDS, "version")


def _hours() -> serializers.CharField:
    return serializers.CharField(required=False, allow_blank=True, max_length=100)


class CalendarIn(Input):
    """A new calendar. Hours of a day: `08:00-12:00, 13:00-18:00`; empty is closed."""

    key = serializers.CharField(max_length=60, validators=[KEY_VALIDATOR])
    name = serializers.CharField(max_length=120)
    unit = Ref(BusinessUnit, required=False, allow_null=True)
    time_zone = serializers.CharField(max_length=64)
    monday, tuesday, wednesday = _hours(), _hours(), _hours()
    thursday, friday, saturday, sunday = _hours(), _hours(), _hours(), _hours()
    holiday_country = serializers.CharField(required=False, allow_blank=True, max_length=2)
    holiday_region = serializers.CharField(required=False, allow_blank=True, max_length=10)
    special_days = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=50_000,
        help_text="A line each: `2026-12-24 08:00-12:00 Christmas Eve`, or `2026-12-31 closed`.",
    )


class CalendarEditIn(CalendarIn):
    """What can be changed, with a reason for the history."""

    reason = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class HoursOut(serializers.Serializer[Any]):
    """Whether a calendar is open at an instant, as its region sees it."""

    calendar = serializers.CharField(read_only=True)
    time_zone = serializers.CharField(read_only=True)
    at = serializers.DateTimeField(read_only=True)
    local_time = serializers.CharField(read_only=True, help_text="ISO 8601 with the zone's offset.")
    in_hours = serializers.BooleanField(read_only=True)
    day = serializers.CharField(read_only=True, help_text="The holiday or special day, if any.")
    changes_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When it closes, or opens next."
    )


def hours_at(calendar: OperatingCalendar, at: datetime.datetime) -> dict[str, Any]:
    """The answer for one calendar."""
    status = operations.status_of(calendar, at)
    return {
        "calendar": calendar.key,
        "time_zone": calendar.time_zone,
        "at": at,
        "local_time": status.local.isoformat(timespec="seconds"),
        "in_hours": status.in_hours,
        "day": status.day,
        "changes_at": status.changes_at,
    }


def instant_of(request: Request) -> datetime.datetime:
    """The parameter `at`; now where there is none."""
    given = request.query_params.get("at")
    if given is None:
        return clock.now()
    try:
        at = serializers.DateTimeField().to_internal_value(given)
    except serializers.ValidationError as error:
        raise ValidationError({"at": error.detail}) from error
    found: datetime.datetime = at.astimezone(datetime.UTC)
    if not 1900 < found.year < 2200:
        raise ValidationError({"at": "Ask for an instant from 1901 to 2199."})
    return found


class CalendarFilters(django_filters.FilterSet):
    """By unit and zone."""

    unit = django_filters.CharFilter(field_name="unit__key")
    time_zone = django_filters.CharFilter()

    class Meta:
        model = OperatingCalendar
        fields: list[str] = []


class CalendarViewSet(Creates, Edits, Histories, Resource[OperatingCalendar]):
    """Operating calendars, by key."""

    model = OperatingCalendar
    out = CalendarOut
    lookup_field = "key"
    inputs = {"create": CalendarIn, "partial_update": CalendarEditIn}
    filterset_class = CalendarFilters
    action_permissions = {
        **dict.fromkeys(("list", "retrieve", "history", "in_hours"), VIEW),
        "create": "add_calendar",
        "partial_update": "edit",
    }

    def shown(self, rows: QuerySet[OperatingCalendar]) -> QuerySet[OperatingCalendar]:
        """With the unit."""
        return rows.select_related("unit")

    def container_for(self, data: Any) -> BusinessUnit:
        """The unit, or the enterprise."""
        return data.get("unit") or enterprise()

    def perform_create(self, data: dict[str, Any], actor: User) -> OperatingCalendar:
        """Enter it."""
        return operations.create_calendar(actor=actor, **data)

    def perform_edit(
        self, row: OperatingCalendar, data: dict[str, Any], actor: User
    ) -> OperatingCalendar:
        """The version was compared already."""
        reason = data.pop("reason", "")
        return operations.edit_calendar(row, actor=actor, changes=data, reason=reason)

    @extend_schema(responses=HoursOut, parameters=[AT])
    @action(detail=True, methods=["get"], url_path="in-hours", filter_backends=[])
    def in_hours(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Whether it is open at the instant."""
        row = self.get_object()
        return Response(HoursOut(hours_at(row, instant_of(request))).data)
