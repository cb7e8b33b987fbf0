"""Pages in the admin, to read."""

from unfold.contrib.filters.admin import RangeDateTimeFilter

from config.adminkit.base import ReadOnlyAdmin, display, register
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
        "incident",
        "responder",
        "tier",
        "shown_state",
        "due_at",
        "sent_at",
        "acknowledged_at",
    ]
    list_filter = ["state", "tier", ("created_at", RangeDateTimeFilter)]
    list_filter_submit = True
    search_fields = ["incident__reference", "responder__name"]
    fieldsets = [
        (None, {"fields": ["incident", "responder", "tier", "round", "state", "contact"]}),
        ("Times", {"fields": ["due_at", "created_at", "sent_at", "acknowledged_at", "expires_at"]}),
    ]
    list_select_related = ["incident", "responder"]
    ordering = ("-created_at",)

    @display(description="State", ordering="state", label=STATES)
    def shown_state(self, page: Page) -> tuple[str, str]:
        """The state as a badge."""
        return page.state, page.get_state_display()
