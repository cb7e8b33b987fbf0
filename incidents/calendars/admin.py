"""Operating calendars in the admin."""

from typing import Any

from django.http import HttpRequest

from config import clock
from config.access.operations import enterprise
from config.access.rules import Level
from config.access.visibility import require
from config.adminkit.base import OperationAdmin, display, register, unit_shown
from config.adminkit.scoping import actor_of
from incidents.calendars import operations
from incidents.calendars.models import OperatingCalendar
from incidents.calendars.rules import WEEKDAYS


@register(OperatingCalendar)
class CalendarAdmin(OperationAdmin):
    """When a region works: week, holidays, and days that differ."""

    section = "Organisation"
    nav_title = "Operating calendars"
    nav_order = 60
    icon = "calendar_clock"
    empty_text = (
        "There is no calendar. Add one for each region, with its time zone, hours and holidays; "
        "then name it on the services that keep these hours."
    )
    list_display = ["name", "key", "time_zone", "holiday_country", unit_shown, "open_now"]
    list_filter = ["time_zone", "unit"]
    search_fields = ["name", "key"]
    list_select_related = ["unit"]
    fieldsets = [
        (None, {"fields": [("key", "name"), ("unit", "time_zone"), "open_now"]}),
        ("Hours", {"fields": list(WEEKDAYS)}),
        (
            "Days that differ",
            {"fields": [("holiday_country", "holiday_region"), "special_days"]},
        ),
    ]
    readonly_fields = ["open_now"]
    inlines = []
    actions = []
    change_verb = "edit"
    add_level = Level.MANAGE
    create_operation = operations.create_calendar
    edit_operation = operations.edit_calendar

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Any:
        """For a unit that the visitor manages; without one, for the enterprise."""
        require(actor_of(request), "add_calendar", values.get("unit") or enterprise())
        return super().create(request, values)

    @display(description="Now")
    def open_now(self, calendar: OperatingCalendar) -> str:
        """Open or closed, until when, and why it differs today."""
        if calendar._state.adding:
            return "once it is saved"
        try:
            status = operations.status_of(calendar, clock.now())
        except (LookupError, ValueError, NotImplementedError):
            # The form is shown again with what it refused: no such zone, country or hour.
            return "once the form is right"
        what = "Open" if status.in_hours else "Closed"
        until = f" until {status.changes_at:%Y-%m-%d %H:%M} UTC" if status.changes_at else ""
        return f"{what}{until}{f' ({status.day})' if status.day else ''}"
