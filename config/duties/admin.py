"""The segregation matrix, its exceptions, and who holds what is kept apart."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from config.access.rules import label_of
from config.access.separation import acts
from config.adminkit.base import (
    OperationAdmin,
    Queue,
    ReasonForm,
    Verb,
    VerbForm,
    access_of,
    actor_of,
    display,
    register,
)
from config.adminkit.home import Item, Section, home_section
from config.adminkit.policy import PartInline, PolicyAdmin
from config.adminkit.policy_forms import NewPolicyForm, PartForm
from config.duties import operations
from config.duties.models import (
    ActPair,
    DutyException,
    ExceptionState,
    RolePair,
    SegregationVersion,
)
from config.duties.rules import ASKERS, DECIDERS, MATRIX_KEY, MATRIX_TITLE
from config.governance.models import PolicyVersion

MOST = 6


class NewMatrixForm(NewPolicyForm):
    """There is one, for everybody."""

    key = forms.ChoiceField(
        label="Matrix", choices=[(MATRIX_KEY, MATRIX_TITLE)], widget=UnfoldAdminSelectWidget
    )
    title = None


class RolePairInline(PartInline):
    """Roles that nobody may hold together."""

    model = RolePair
    fields = ["first", "second", "note"]
    verbose_name_plural = "Roles that nobody may hold together"


def _choices() -> list[tuple[str, str]]:
    return [(act.name, act.label) for act in acts()]


class ActPairForm(PartForm):
    """The acts that the product knows, by name."""

    first = forms.ChoiceField(label="Act", choices=_choices, widget=UnfoldAdminSelectWidget)
    second = forms.ChoiceField(
        label="Kept apart from", choices=_choices, widget=UnfoldAdminSelectWidget
    )


class ActPairInline(PartInline):
    """Acts on one record that one person may not both do."""

    model = ActPair
    form = ActPairForm
    fields = ["first", "second", "note"]
    verbose_name_plural = "Acts on one record that one person may not both do"


@register(SegregationVersion)
class SegregationAdmin(PolicyAdmin):
    """What is kept apart; it binds superusers as well."""

    nav_title = "Segregation of duties"
    icon = "call_split"
    empty_text = "Nothing is kept apart. Add a draft: pairs of roles, and pairs of acts."
    nav_order = 40
    section = "Organisation"
    new_form = NewMatrixForm
    inlines = [RolePairInline, ActPairInline]

    def create(self, request: HttpRequest, values: dict[str, Any]) -> PolicyVersion:
        """Under its one title."""
        return super().create(request, {**values, "title": MATRIX_TITLE})


class DecisionForm(VerbForm):
    """A word on the decision."""

    reason = forms.CharField(
        label="Reason", required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )


@register(DutyException)
class DutyExceptionAdmin(OperationAdmin):
    """Who may hold two roles that are kept apart, until when, and who said so."""

    nav_title = "Exceptions from segregation"
    icon = "rule"
    section = "Organisation"
    nav_order = 45
    empty_text = "No exception. Nobody may hold what the matrix keeps apart."
    queues = (Queue("duty-requests", "Exceptions to decide", "state__exact=requested", "rule"),)
    list_display = ["person", "first", "second", "starts_at", "until", "shown_state"]
    list_filter = ["state", "first", "second"]
    search_fields = ["person__name", "person__username", "reason"]
    autocomplete_fields = ["person"]
    readonly_fields = ["shown_state", "requested_by", "decided_by", "decided_at", "decision_reason"]
    fieldsets = [
        (None, {"fields": ["person", ("first", "second"), ("starts_at", "until"), "reason"]}),
        (
            "Decision",
            {
                "fields": [
                    *("shown_state", "requested_by", "decided_by", "decided_at"),
                    "decision_reason",
                ]
            },
        ),
    ]
    add_fieldsets = [
        (None, {"fields": ["person", ("first", "second"), ("starts_at", "until"), "reason"]})
    ]
    list_select_related = ["person"]
    add_roles = ASKERS
    create_operation = operations.request_exception
    verbs = (
        Verb("approve", operations.approve_exception, form=DecisionForm),
        Verb("refuse", operations.refuse_exception, form=ReasonForm, danger=True),
        Verb("end", operations.end_exception, form=ReasonForm, danger=True),
    )

    def verbs_from(self, obj: DutyException) -> list[str]:
        """Decided once; what runs can be ended."""
        if obj.state == ExceptionState.REQUESTED:
            return ["approve", "refuse"]
        return ["end"] if obj.state == ExceptionState.APPROVED else []

    @display(
        description="State",
        ordering="state",
        label={"Approved": "success", "Awaiting compliance": "warning", "Refused": "danger"},
    )
    def shown_state(self, row: DutyException) -> str:
        """As a badge with text."""
        return row.get_state_display()


@home_section(order=60)
def duties(request: HttpRequest) -> Section | None:
    """For compliance: what waits for a decision, and who holds what is kept apart."""
    if not (actor_of(request).is_superuser or access_of(request).holding(DECIDERS).everything):
        return None
    waiting = DutyException.objects.filter(state=ExceptionState.REQUESTED).order_by("pk")
    items = [
        Item(
            str(row),
            reverse("admin:config_dutyexception_change", args=(row.pk,)),
            detail=row.reason[:120],
            badge="to decide",
            tone="warning",
        )
        for row in waiting.select_related("person")[:MOST]
    ]
    conflicts = [each for each in operations.conflicts_now() if each.exception is None]
    items += [
        Item(
            str(each.person),
            reverse("admin:config_user_rights", args=(each.person.pk,)),
            detail=f"{label_of(each.first)} and {label_of(each.second).lower()}",
            badge="holds both",
            tone="danger",
        )
        for each in conflicts[:MOST]
    ]
    return Section(
        "Segregation of duties",
        items[: 2 * MOST],
        empty_text="Nobody holds what is kept apart, and no exception waits.",
        link=reverse("admin:config_dutyexception_changelist"),
    )
