"""Reading and searching the timelines of all incidents; an incident's own page has its own."""

from config.adminkit.base import ReadOnlyAdmin, display, register
from config.adminkit.periods import PeriodFilter
from incidents.timeline.models import TimelineEntry


@register(TimelineEntry)
class TimelineEntryAdmin(ReadOnlyAdmin):
    """Append-only: nothing here changes a line."""

    nav_title = "Timeline"
    nav_order = 60
    icon = "timeline"
    empty_text = (
        "Nothing has been written down yet. Open an incident and add the first line to its "
        "timeline."
    )
    list_display = ["at", "incident", "kind", "shortened", "actor", "origin", "late"]
    list_filter = ["kind", "origin", ("at", PeriodFilter)]
    list_filter_submit = True
    search_fields = ["text", "incident__reference"]
    autocomplete_fields = []
    readonly_fields = []
    fieldsets = [
        (None, {"fields": ["incident", "kind", "text", ("at", "recorded_at")]}),
        ("Who says so", {"fields": [("actor", "origin"), ("source", "reliability"), "supersedes"]}),
    ]
    inlines = []
    actions = []
    list_select_related = ["incident", "actor"]

    @display(description="Text")
    def shortened(self, entry: TimelineEntry) -> str:
        """The first words."""
        return entry.text if len(entry.text) <= 120 else f"{entry.text[:119]}…"

    @display(description="Recorded late", label={"Late": "warning"})
    def late(self, entry: TimelineEntry) -> str | None:
        """Written down more than five minutes after it happened."""
        return "Late" if entry.is_late else None
