"""The approval matrix in the admin: a row for each kind of policy."""

from typing import Any

from django import forms
from django.db import models
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectMultipleWidget, UnfoldAdminSelectWidget

from config.adminkit.base import display, register
from config.adminkit.policy import PartInline, PolicyAdmin
from config.adminkit.policy_forms import NewPolicyForm, PartForm
from config.approvals.models import (
    ApprovalDemand,
    ApprovalMatrixVersion,
    kind_shown,
    known_kinds,
)
from config.approvals.rules import EVERY_OTHER, MATRIX_KEY, MATRIX_TITLE, MOST_PEOPLE, ROLE_CHOICES
from config.governance.models import PolicyVersion


class NewApprovalMatrixForm(NewPolicyForm):
    """There is one, for everybody."""

    key = forms.ChoiceField(
        label="Matrix", choices=[(MATRIX_KEY, MATRIX_TITLE)], widget=UnfoldAdminSelectWidget
    )
    title = None
    unit = None  # type: ignore[assignment]  # no unit has one of its own


def _kinds() -> list[tuple[str, str]]:
    named = ((kind, kind_shown(kind)) for kind in known_kinds())
    return [("", EVERY_OTHER), *sorted(named, key=lambda each: each[1])]


class DemandForm(PartForm):
    """Kinds and roles by name."""

    kind = forms.ChoiceField(
        label="Kind of policy",
        choices=_kinds,
        required=False,
        widget=UnfoldAdminSelectWidget(attrs={"aria-label": "Kind of policy"}),
    )
    people = forms.TypedChoiceField(
        label="People",
        choices=[(number, str(number)) for number in range(1, MOST_PEOPLE + 1)],
        coerce=int,
        initial="1",  # as the browser sends it back: an untouched spare row says nothing
        widget=UnfoldAdminSelectWidget(attrs={"aria-label": "People"}),
    )
    roles = forms.MultipleChoiceField(
        label="Among them",
        choices=ROLE_CHOICES,
        required=False,
        widget=UnfoldAdminSelectMultipleWidget(attrs={"size": 5, "aria-label": "Among them"}),
    )


class DemandInline(PartInline):
    """How many different people must approve which kind, and which roles are among them."""

    model = ApprovalDemand
    form = DemandForm
    fields = ["kind", "people", "roles"]
    verbose_name = "kind of policy"
    verbose_name_plural = "Who approves which kind of policy"
    extra = 1

    def _in_words(self, field: "models.Field[Any, Any]") -> Any:
        """A row without a kind says of which kinds it is."""
        shown = super()._in_words(field)
        if field.name != "kind":
            return shown

        @display(description="Kind of policy")
        def kind(row: ApprovalDemand) -> str:
            return str(row)

        return kind


@register(ApprovalMatrixVersion)
class ApprovalMatrixAdmin(PolicyAdmin):
    """How many people, and who among them, must approve which kind of policy."""

    nav_title = "Approval matrix"
    icon = "how_to_reg"
    section = "Policies"
    nav_order = 15
    empty_text = (
        "There is no matrix: one policy approver approves each version. Add a draft to demand "
        "more for some kinds, or the word of legal or others."
    )
    new_form = NewApprovalMatrixForm
    inlines = [DemandInline]

    def create(self, request: HttpRequest, values: dict[str, Any]) -> PolicyVersion:
        """Under its one title."""
        return super().create(request, {**values, "title": MATRIX_TITLE})
