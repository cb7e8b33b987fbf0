"""Break-glass in the admin: opened by reference, and listed until compliance has reviewed it."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from config.access.rules import Level
from config.adminkit.base import (
    OperationAdmin,
    Queue,
    SimpleListFilter,
    Verb,
    VerbForm,
    access_of,
    actor_of,
    display,
    register,
)
from config.adminkit.home import Item, Section, home_section
from config.breakglass import operations
from config.breakglass.models import BreakGlass, Outcome
from config.breakglass.rules import REVIEWERS

MOST = 6


class OpenForm(forms.ModelForm):  # type: ignore[type-arg]  # the model is named in Meta
    """Which record, and why."""

    record = forms.CharField(
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text="Its reference, such as INC-000123. Owner and compliance are told at once.",
    )

    class Meta:
        model = BreakGlass
        fields = ("reason",)


class ReviewForm(VerbForm):
    """What the review found."""

    outcome = forms.ChoiceField(choices=Outcome.choices, widget=UnfoldAdminSelectWidget)
    finding = forms.CharField(widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}))


class EndForm(VerbForm):
    """A word on it."""

    reason = forms.CharField(required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


class FindingFilter(SimpleListFilter):
    """What is still owed."""

    title = "review"
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [("owed", "Owed"), ("done", "Done")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """The rows of the choice."""
        if self.value() is None:
            return queryset
        return queryset.filter(reviewed_at__isnull=self.value() == "owed")


@register(BreakGlass)
class BreakGlassAdmin(OperationAdmin):
    """Who opened which restricted record, until when, and what its review found."""

    icon = "emergency_home"
    section = "Organisation"
    nav_title = "Break-glass"
    nav_order = 60
    empty_text = "Nobody has broken the glass, as far as you may know."
    form = OpenForm
    queues = (Queue("breakglass", "Break-glass to review", "review=owed", "emergency_home"),)
    list_display = ["record_name", "person", "opened_at", "until", "ended_at", "stand"]
    list_filter = [FindingFilter, "outcome"]
    search_fields = ["record_name", "person__name", "reason"]
    readonly_fields = [
        *("person", "record_name", "opened_at", "until", "ended_at"),
        *("outcome", "finding", "reviewed_by", "reviewed_at"),
    ]
    fieldsets = [
        (None, {"fields": ["person", "record_name", "reason", "opened_at", "until", "ended_at"]}),
        ("Review", {"fields": ["outcome", "finding", "reviewed_by", "reviewed_at"]}),
    ]
    add_fieldsets = [(None, {"fields": ["record", "reason"]})]
    list_select_related = ["person"]
    add_level = Level.RESPOND
    create_operation = operations.break_glass
    verbs = (
        Verb("end", operations.end_access, form=EndForm),
        Verb("review", operations.review_access, form=ReviewForm),
    )

    def create(self, request: HttpRequest, values: dict[str, Any]) -> BreakGlass:
        """By the reference."""
        return operations.break_glass(
            name=values["record"], reason=values["reason"], actor=actor_of(request)
        )

    def verbs_from(self, obj: BreakGlass) -> list[str]:
        """It ends, then it is reviewed."""
        if obj.ended_at is None:
            return ["end"]
        return ["review"] if obj.is_finding else []

    @display(
        description="Review",
        label={"Runs": "danger", "Owed": "warning", "Justified": "success"},
    )
    def stand(self, row: BreakGlass) -> str:
        """As a badge with text."""
        if not row.is_finding:
            return row.get_outcome_display()
        return "Runs" if row.ended_at is None else "Owed"


@home_section(order=55)
def findings(request: HttpRequest) -> Section | None:
    """For compliance: what nobody has reviewed yet."""
    if not (actor_of(request).is_superuser or access_of(request).holds(*REVIEWERS)):
        return None
    rows = BreakGlass.objects.visible_to(actor_of(request)).open_findings()
    items = [
        Item(
            f"{row.record_name}, opened by {row.person}",
            reverse("admin:config_breakglass_change", args=(row.pk,)),
            detail=f"{row.opened_at:%Y-%m-%d %H:%M} UTC: {row.reason[:100]}",
            badge="runs" if row.ended_at is None else "to review",
            tone="danger",
        )
        for row in rows.select_related("person").order_by("pk")[:MOST]
    ]
    return Section(
        "Break-glass to review",
        items,
        empty_text="Every access by break-glass has been reviewed.",
        link=f"{reverse('admin:config_breakglass_changelist')}?review=owed",
    )
