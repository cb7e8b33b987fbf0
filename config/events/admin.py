"""The event log in the admin."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from config.access.restricted import names_behind
from config.adminkit.base import OversightAdmin, display, register
from config.adminkit.links import linked
from config.adminkit.periods import PeriodFilter
from config.due.admin import DueRowAdmin, StandFilter
from config.events.models import Event, EventDelivery, RestrictedRead


@register(Event)
class EventAdmin(OversightAdmin):
    """Everything that happened: who, when, from where, and why."""

    icon = "history"
    empty_text = "Nothing has happened yet. Every change, sign-in and page is listed here."
    section = "Evidence"
    nav_order = 10
    list_display = ["at", "kind", "subject_name", "who", "origin", "reason"]
    list_filter = ["origin", ("at", PeriodFilter)]
    list_filter_submit = True
    search_fields = ["kind", "subject_name"]
    fieldsets = [
        (None, {"fields": ["kind", "subject", "subject_type", "subject_id"]}),
        ("Who and when", {"fields": ["actor", "origin", "at", "recorded_at", "reason"]}),
        ("Data", {"fields": ["data"]}),
    ]
    list_select_related = ["actor"]
    readonly_fields = ["subject"]

    @display(description="Subject")
    def subject(self, event: Event) -> SafeString | str:
        """Leads to what it happened to."""
        return linked(event.subject_type, event.subject_id, event.subject_name)

    @display(description="Actor", ordering="actor__name")
    def who(self, event: Event) -> str:
        """Who did it, and for whom, where somebody stood in."""
        principal = event.data.get("for")
        return f"{event.actor} for {principal}" if principal else str(event.actor)


@register(EventDelivery)
class EventDeliveryAdmin(DueRowAdmin):
    """Which handler was told of which event, or is still to be told."""

    icon = "move_to_inbox"
    empty_text = "No event has been handed to a handler yet."
    list_display = ["event", "handler", "due_at", "attempts", "done_at", "dead_at"]
    list_filter = [StandFilter, "handler"]
    search_fields = ["handler"]
    fieldsets = [
        (None, {"fields": ["event", "handler"]}),
        ("State", {"fields": DueRowAdmin.state_fields}),
    ]
    list_select_related = ["event"]


@register(RestrictedRead)
class RestrictedReadAdmin(OversightAdmin):
    """Who read restricted records, and who took exports."""

    icon = "visibility_lock"
    empty_text = "Nobody has opened a restricted record."
    section = "Evidence"
    nav_order = 20
    list_display = ["at", "actor", "what", "shown_records", "origin"]
    list_filter = ["origin", ("at", PeriodFilter)]
    list_filter_submit = True
    search_fields = ["what"]
    list_select_related = ["actor"]
    readonly_fields = ["shown_records"]
    fields = ["at", "actor", "what", "shown_records", "subject_type", "subject_ids", "origin"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the names of the records."""
        names = names_behind("subject_type", "subject_ids")
        rows: QuerySet[Any] = super().get_queryset(request).annotate(names=names)
        return rows

    @display(description="Restricted records")
    def shown_records(self, read: Any) -> str:
        """Which ones, by the names that people know."""
        return ", ".join(read.names)
