"""Pages in the admin, to read."""

from config.adminkit.base import ReadOnlyAdmin, register
from escalation.paging.models import Page


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
        "state",
        "due_at",
        "sent_at",
        "acknowledged_at",
    ]
    list_filter = ["state", "tier", "created_at"]
    search_fields = ["incident__reference", "responder__name"]
    fieldsets = [
        (None, {"fields": ["incident", "responder", "tier", "round", "state", "contact"]}),
        ("Times", {"fields": ["due_at", "created_at", "sent_at", "acknowledged_at", "expires_at"]}),
    ]
    list_select_related = ["incident", "responder"]
    ordering = ("-created_at",)
