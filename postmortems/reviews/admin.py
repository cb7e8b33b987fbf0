"""Reviews in the admin: write, hold, publish, waive."""

from typing import Any

from django import forms
from django.db.models import Case, Q, When
from django.http import HttpRequest
from django.urls import reverse
from unfold.widgets import UnfoldAdminSplitDateTimeWidget, UnfoldAdminTextareaWidget

from config.adminkit.base import (
    OperationAdmin,
    Queue,
    ReasonForm,
    Verb,
    VerbForm,
    display,
    register,
)
from config.adminkit.home import Item, Section, home_section
from config.adminkit.scoping import actor_of
from config.organisation.models import User
from postmortems.reviews import operations
from postmortems.reviews.models import TRANSITIONS, Review, ReviewState

_VERBS = {
    ReviewState.HELD: "hold",
    ReviewState.PUBLISHED: "publish",
    ReviewState.WAIVED: "waive",
}


_TONES: dict[str, str] = {
    ReviewState.OWED: "warning",
    ReviewState.HELD: "info",
    ReviewState.PUBLISHED: "success",
}
_SEVERITIES = {"SEV1": "danger", "SEV2": "warning", "SEV3": "info", "SEV4": "success"}


_OWED = Q(state=ReviewState.OWED)


class HoldForm(VerbForm):
    """What was learnt, and when the review took place."""

    summary = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        help_text="Leave it empty to keep the summary that is written already.",
    )
    at = forms.SplitDateTimeField(
        label="When it was held",
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget(),
        help_text="UTC. Leave it empty for now.",
    )


def _edit(review: Review, *, actor: User, changes: dict[str, Any], reason: str = "") -> None:
    operations.edit_review(review, actor=actor, **changes)


@register(Review)
class ReviewAdmin(OperationAdmin):
    """The review that an incident owes."""

    nav_title = "Post-incident reviews"
    nav_order = 10
    icon = "rate_review"
    empty_text = "No review. Resolving an incident of a severity that needs one makes it due."
    list_display = [
        "incident", "severity", "shown_state", "due_at", "overdue", "facilitator",
    ]  # fmt: skip
    list_filter = ["state", "due_at", "incident__severity", "incident__team"]
    search_fields = ["incident__reference", "incident__title"]
    autocomplete_fields = ["facilitator"]
    readonly_fields = [
        "incident", "state", "due_at", "due_version", "overdue_at", "held_at", "published_at",
        "waived_at", "waiver_reason",
    ]  # fmt: skip
    fieldsets = [
        (None, {"fields": ["incident", "state", "due_at", "due_version", "overdue_at"]}),
        ("Review", {"fields": ["facilitator", "summary", "held_at", "published_at"]}),
        ("Waiver", {"fields": ["waived_at", "waiver_reason"]}),
    ]
    list_select_related = ["incident", "facilitator"]
    # Owed ones first, the most overdue on top; below them what is over, the latest first.
    ordering = (Case(When(_OWED, then=0), default=1), Case(When(_OWED, then="due_at")), "-due_at")
    queues = (Queue("owed", "Reviews owed", "state__exact=owed", "rate_review"),)
    change_verb = "edit"
    edit_operation = _edit
    verbs = (
        Verb("hold", operations.hold, label="Mark as held", form=HoldForm),
        Verb("publish", operations.publish, help="Somebody else than the facilitator."),
        Verb("waive", operations.waive, form=ReasonForm, danger=True, help="Compliance only."),
    )

    @display(description="Overdue", label={"Overdue": "danger"})
    def overdue(self, review: Review) -> str | None:
        """Owed beyond its time: a word, and nothing where it is in time."""
        return "Overdue" if review.is_overdue else None

    @display(description="State", ordering="state", label=_TONES)
    def shown_state(self, review: Review) -> tuple[str, str]:
        """The state as a badge."""
        return review.state, review.get_state_display()

    @display(description="Severity", ordering="incident__severity", label=_SEVERITIES)
    def severity(self, review: Review) -> str:
        """Of the incident."""
        return review.incident.severity

    def verbs_from(self, obj: Review) -> list[str]:
        """What the state allows."""
        return [_VERBS[state] for state in _VERBS if state in TRANSITIONS[obj.state]]


@home_section(order=40)
def reviews_owed(request: HttpRequest) -> Section:
    """What is owed, the overdue first."""
    rows = Review.objects.visible_to(actor_of(request)).owed().select_related("incident")
    return Section(
        "Reviews that are owed",
        [_item(review) for review in rows.order_by("due_at")[:5]],
        empty_text="No review is owed. Resolving a SEV1 or SEV2 brings one.",
        link=reverse("admin:postmortems_review_changelist") + "?state__exact=owed",
    )


def _item(review: Review) -> Item:
    title = "" if review.incident.is_restricted else f" {review.incident.title}"
    return Item(
        f"{review.incident.reference}{title}",
        reverse("admin:postmortems_review_change", args=[review.pk]),
        f"due {review.due_at:%Y-%m-%d %H:%M} UTC",
        badge="Overdue" if review.is_overdue else "",
        tone="danger" if review.is_overdue else "neutral",
        record=review,
    )
