"""Escalations in the admin: how far, the record, and the pages."""

from config.adminkit.base import (
    OperationAdmin,
    ReadOnlyInline,
    ReasonForm,
    Verb,
    display,
    register,
)
from config.adminkit.periods import PeriodFilter
from config.organisation.models import User
from escalation.paging.models import Page
from escalation.runs import operations
from escalation.runs.models import LIVE, EscalationRecord, EscalationRun, RunState

STATES: dict[str, str] = {
    RunState.ACTIVE: "warning",
    RunState.ACKNOWLEDGED: "success",
    RunState.EXHAUSTED: "danger",
}


class RecordInline(ReadOnlyInline):
    """What the escalation did."""

    model = EscalationRecord
    fields = readonly_fields = ("at", "kind", "tier", "round", "person", "actor", "reason")


class PageInline(ReadOnlyInline):
    """Whom it asked."""

    model = Page
    fields = readonly_fields = ("responder", "tier", "round", "state", "due_at", "sent_at")
    ordering = ("-created_at",)


def _escalate(run: EscalationRun, *, actor: User, reason: str) -> None:
    operations.escalate(run.incident, actor=actor, reason=reason)


@register(EscalationRun)
class EscalationRunAdmin(OperationAdmin):
    """One escalation; "page the next tier now" needs a reason."""

    nav_title = "Escalations"
    nav_order = 40
    icon = "stairs"
    empty_text = (
        "Nothing has been escalated. An escalation begins with each incident that pages somebody."
    )
    list_display = ["incident", "shown_state", "tier", "round", "next_tier_at", "started_at"]
    list_filter = ["state", ("started_at", PeriodFilter)]
    list_filter_submit = True
    search_fields = ["incident__reference", "incident__title"]
    readonly_fields = [
        "incident", "policy_version", "state", "trigger", "tier", "round",
        "started_at", "next_tier_at", "acknowledged_at", "ended_at",
    ]  # fmt: skip
    fieldsets = [
        (None, {"fields": ["incident", "policy_version", "state", "trigger", "tier", "round"]}),
        ("Times", {"fields": ["started_at", "next_tier_at", "acknowledged_at", "ended_at"]}),
    ]
    inlines = [PageInline, RecordInline]
    list_select_related = ["incident", "policy_version__policy"]
    verbs = (Verb("escalate", _escalate, label="Page the next tier now", form=ReasonForm),)

    @display(description="State", ordering="state", label=STATES)
    def shown_state(self, run: EscalationRun) -> tuple[str, str]:
        """The state as a badge."""
        return run.state, run.get_state_display()

    def verbs_from(self, obj: EscalationRun) -> list[str]:
        """While it lives."""
        return ["escalate"] if obj.state in LIVE else []
