"""What falls due in the admin: read by overseers; dead letters are tried again from here."""

from collections.abc import Collection
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from config.access.rules import Role
from config.adminkit.base import (
    OperationAdmin,
    OversightAdmin,
    ReadOnlyInline,
    ReasonForm,
    SimpleListFilter,
    Verb,
    access_of,
    actor_of,
    display,
    register,
)
from config.adminkit.links import linked
from config.due.models import (
    Attempt,
    AttemptOutcome,
    DueRow,
    OutboundMessage,
    Timer,
    WorkerHeartbeat,
)
from config.due.operations import retry

OUTCOMES: dict[str, str] = {
    AttemptOutcome.SENT.label: "success",
    AttemptOutcome.SKIPPED.label: "info",
    AttemptOutcome.FAILED.label: "warning",
    AttemptOutcome.REFUSED.label: "danger",
}


class StandFilter(SimpleListFilter):
    """Open, dead or done."""

    title = "stand"
    parameter_name = "stand"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The three ways in which a row can stand."""
        return [("open", "Open"), ("dead", "Dead letter"), ("done", "Done")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that stand like this."""
        stands = {
            "open": Q(done_at=None, dead_at=None),
            "dead": Q(done_at=None, dead_at__isnull=False),
            "done": Q(done_at__isnull=False),
        }
        return queryset.filter(stands.get(self.value() or "", Q()))


class DueRowAdmin(OversightAdmin, OperationAdmin):
    """A table of due rows. What it promises can't be edited; a dead letter can be tried again."""

    section = "Platform"
    verbs = (
        Verb(
            "retry",
            retry,
            label="Try again",
            form=ReasonForm,
            bulk=True,
            help="Due at once, with all attempts before it.",
        ),
    )
    state_fields = ("due_at", "next_at", "attempts", "done_at", "dead_at", "last_error")

    def verbs_from(self, obj: DueRow) -> Collection[str]:
        """Only a dead letter."""
        return ["retry"] if obj.dead_at is not None and obj.done_at is None else []

    def may_do(self, request: HttpRequest, verb: Verb, obj: Any) -> bool:
        """Who runs the platform."""
        runs_it = access_of(request).holds(Role.PLATFORM_ADMINISTRATOR)
        return runs_it or actor_of(request).is_superuser


class RootedAdmin(DueRowAdmin):
    """Due rows that belong to a record."""

    readonly_fields: ClassVar[tuple[str, ...]] = ("about",)

    @display(description="About")
    def about(self, row: Timer | OutboundMessage) -> SafeString | str:
        """Leads to the record for which it falls due."""
        return linked(row.root_type, row.root_id)


class AttemptInline(ReadOnlyInline):
    """Every attempt, and what the other side said."""

    model = Attempt
    fields = ["number", "began_at", "ended_at", "outcome", "answer"]


@register(Timer)
class TimerAdmin(RootedAdmin):
    """What the worker does at a time."""

    icon = "timer"
    empty_text = "Nothing is planned. Deadlines and escalations set their timers here."
    list_display = ["kind", "about", "due_at", "attempts", "done_at", "dead_at"]
    list_filter = [StandFilter, "kind"]
    search_fields = ["key"]
    fieldsets = [
        (None, {"fields": ["kind", "about", "key", "data"]}),
        ("State", {"fields": DueRowAdmin.state_fields}),
    ]


@register(OutboundMessage)
class OutboundMessageAdmin(RootedAdmin):
    """What left the house, or will."""

    icon = "outbox"
    empty_text = "Nothing has left the house yet. Pages and webhooks are queued here."
    list_display = [
        *("purpose", "channel", "address", "about", "due_at", "shown_outcome", "attempts"),
        "dead_at",
    ]
    list_filter = [StandFilter, "channel", "outcome", "purpose"]
    search_fields = ["address"]
    fieldsets = [
        (None, {"fields": ["purpose", "channel", "address", "provider", "urgent"]}),
        ("About", {"fields": ["about", "data"]}),
        ("State", {"fields": ["shown_outcome", *DueRowAdmin.state_fields]}),
    ]
    readonly_fields = (*RootedAdmin.readonly_fields, "shown_outcome")
    inlines = [AttemptInline]
    ordering = ("-due_at",)

    @display(description="Outcome", ordering="outcome", label=OUTCOMES)
    def shown_outcome(self, message: OutboundMessage) -> str:
        """Of the last attempt, as a badge with text; empty before the first."""
        return str(AttemptOutcome(message.outcome).label) if message.outcome else ""


@register(WorkerHeartbeat)
class WorkerHeartbeatAdmin(OversightAdmin):
    """The workers that run."""

    nav_title = "Workers"
    icon = "monitor_heart"
    empty_text = "No worker runs: nobody is paged. Start one with manage.py up or manage.py worker."
    section = "Platform"
    list_display = ["name", "pid", "started_at", "seen_at"]
    fields = ["name", "pid", "started_at", "seen_at"]
