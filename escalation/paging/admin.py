"""Pages in the admin, to read."""

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.adminkit.base import ReadOnlyAdmin, display, register
from config.adminkit.periods import PeriodFilter
from escalation.paging.models import Page, PageState

STATES: dict[str, str] = {
    PageState.WAITING: "info",
    PageState.SENT: "warning",
    PageState.ACKNOWLEDGED: "success",
    PageState.FAILED: "danger",
}


@register(Page)
class PageAdmin(ReadOnlyAdmin):
    """Whom we asked, when, by what, and what became of it."""

    nav_order = 50
    icon = "phone_in_talk"
    empty_text = (
        "Nobody has been paged. Pages are sent when an incident opens for a service with people "
        "on call."
    )
    list_display = [
        "shown_incident",
        "responder",
        "tier",
        "shown_state",
        "due_at",
        "sent_at",
        "acknowledged_at",
    ]
    list_filter = ["state", "tier", ("created_at", PeriodFilter)]
    list_filter_submit = True
    search_fields = ["incident__reference", "responder__name"]
    readonly_fields = ["linked_incident"]
    fieldsets = [
        (None, {"fields": ["linked_incident", "responder", "tier", "round", "state", "contact"]}),
        ("Times", {"fields": ["due_at", "created_at", "sent_at", "acknowledged_at", "expires_at"]}),
    ]
    list_select_related = ["incident", "responder"]
    ordering = ("-created_at",)

    @display(description="Incident", ordering="incident")
    def shown_incident(self, page: Page) -> str:
        """Who was paged sees the page, and of a restricted incident the reference alone."""
        return page.incident.reference if page.incident.is_restricted else str(page.incident)

    @display(description="Incident")
    def linked_incident(self, page: Page) -> SafeString | str:
        """The same, with the way to it."""
        if page.incident.is_restricted:
            return page.incident.reference
        url = reverse("admin:incidents_incident_change", args=[page.incident_id])
        return format_html('<a href="{}">{}</a>', url, page.incident)

    @display(description="State", ordering="state", label=STATES)
    def shown_state(self, page: Page) -> tuple[str, str]:
        """The state as a badge."""
        return page.state, page.get_state_display()
