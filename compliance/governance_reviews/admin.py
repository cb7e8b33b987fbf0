"""Feedback on rules and the quarter's reviews in the admin."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from compliance.governance_reviews import operations
from compliance.governance_reviews.models import (
    FeedbackItem,
    GovernanceReview,
    Outcome,
    ReviewState,
)
from compliance.governance_reviews.rules import GOVERNORS, VOICES
from config.adminkit.base import (
    OperationAdmin,
    ReadOnlyInline,
    Verb,
    VerbForm,
    access_of,
    actor_of,
    display,
    register,
)
from config.adminkit.home import Item, Section, home_section

SHOWN = 6
OUTCOME_TONES = {
    Outcome.PENDING: "warning",
    Outcome.CHANGE: "success",
    Outcome.KEEP: "info",
    Outcome.WATCH: "info",
}
STATE_TONES = {ReviewState.OPEN: "warning", ReviewState.CLOSED: "success"}


class AnswerForm(VerbForm):
    """What was decided on it, and why."""

    outcome = forms.ChoiceField(
        label="Decision",
        choices=[each for each in Outcome.choices if each[0] != Outcome.PENDING],
        widget=UnfoldAdminSelectWidget(),
    )
    answer = forms.CharField(
        label="Answer",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="What was decided, and why. Whoever gave the feedback reads it.",
    )


class ConclusionForm(VerbForm):
    """What came of the review."""

    conclusion = forms.CharField(
        label="Conclusion",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="What changes, what stays, and what the next review looks at.",
    )


@register(FeedbackItem)
class FeedbackItemAdmin(OperationAdmin):
    """What people say of the rules, and what was decided on it."""

    section = "Policies"
    nav_title = "Feedback on rules"
    icon = "rate_review"
    nav_order = 60
    empty_text = (
        "Nobody has given feedback on a rule. Add what works badly, for whom, and what would be "
        "better: the next quarterly review has to answer it."
    )
    list_display = ["__str__", "shown_outcome", "voice", "policy", "given_by", "given_at", "review"]
    list_filter = ["outcome", "voice", "review", "given_at"]
    search_fields = ["text", "answer"]
    autocomplete_fields = ["policy"]
    readonly_fields = [
        *("shown_outcome", "answer", "answered_by", "answered_at"),
        *("given_by", "given_at", "review"),
    ]
    fieldsets = [
        (None, {"fields": ["text", "voice", "policy", "given_by", "given_at"]}),
        ("Decision", {"fields": ["review", "shown_outcome", "answer", "answered_by",
                                 "answered_at"]}),
    ]  # fmt: skip
    add_fieldsets = [(None, {"fields": ["text", "voice", "policy"]})]
    list_select_related = ["policy__unit", "given_by", "review", "answered_by"]
    add_roles = VOICES
    create_operation = operations.give_feedback
    verbs = (Verb("decide", operations.decide, label="Answer", form=AnswerForm),)

    def verbs_from(self, obj: FeedbackItem) -> list[str]:
        """Answered once."""
        return ["decide"] if obj.outcome == Outcome.PENDING else []

    @display(description="Decision", ordering="outcome", label=OUTCOME_TONES)
    def shown_outcome(self, item: FeedbackItem) -> tuple[str, str]:
        """As a badge, with its text."""
        return item.outcome, item.get_outcome_display()


class FeedbackInline(ReadOnlyInline):
    """What the review has to answer."""

    model = FeedbackItem
    fields = ["text", "voice", "policy", "given_by", "outcome", "answer"]
    readonly_fields = ["text", "voice", "policy", "given_by", "outcome", "answer"]
    show_change_link = True
    verbose_name_plural = "Feedback"


@register(GovernanceReview)
class GovernanceReviewAdmin(OperationAdmin):
    """One a quarter: what people say of the rules, and what came of it."""

    section = "Policies"
    icon = "event_repeat"
    nav_order = 61
    empty_text = (
        "No review was opened yet: a job opens one each quarter. manage.py run_job "
        "governance_review opens it now."
    )
    list_display = ["quarter", "shown_state", "opened_at", "closed_at", "closed_by"]
    list_filter = ["state"]
    readonly_fields = [
        *("quarter", "shown_state", "opened_at", "conclusion", "closed_by", "closed_at"),
    ]
    fieldsets = [(None, {"fields": [*readonly_fields]})]
    inlines = [FeedbackInline]
    list_select_related = ["closed_by"]
    verbs = (Verb("close", operations.close, form=ConclusionForm, guard="governance_review.close"),)

    def verbs_from(self, obj: GovernanceReview) -> list[str]:
        """Closed once."""
        return ["close"] if obj.state == ReviewState.OPEN else []

    @display(description="State", ordering="state", label=STATE_TONES)
    def shown_state(self, review: GovernanceReview) -> tuple[str, str]:
        """As a badge, with its text."""
        return review.state, review.get_state_display()


@home_section(order=18)
def feedback_awaiting_an_answer(request: HttpRequest) -> Section | None:
    """For those who answer for the rules."""
    if not access_of(request).holds(*GOVERNORS):
        return None
    rows = FeedbackItem.objects.visible_to(actor_of(request)).pending()
    rows = rows.select_related("policy__unit", "given_by").order_by("pk")[:SHOWN]
    return Section(
        "Feedback on rules to answer",
        [_item(each) for each in rows],
        empty_text="Nobody waits for an answer on a rule.",
        link=f"{reverse('admin:compliance_feedbackitem_changelist')}?outcome__exact=pending",
    )


def _item(row: FeedbackItem) -> Item:
    link = reverse("admin:compliance_feedbackitem_change", args=[row.pk])
    about = f" on {row.policy}" if row.policy else ""
    detail: Any = f"{row.given_by}{about}"
    return Item(str(row), link, detail=detail, badge="to answer", tone="warning", record=row)
