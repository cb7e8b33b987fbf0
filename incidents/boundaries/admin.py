"""The ownership boundaries in the admin."""

from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from config.adminkit.base import register
from config.adminkit.policy import PartInline, PolicyAdmin
from config.adminkit.policy_forms import NewPolicyForm
from config.governance.models import PolicyVersion
from incidents.boundaries.models import BoundaryRule, BoundaryVersion
from incidents.boundaries.operations import BOUNDARY_KEY, BOUNDARY_TITLE


class NewBoundariesForm(NewPolicyForm):
    """The enterprise's boundaries, or a unit's own."""

    key = forms.ChoiceField(
        label="Boundaries",
        choices=[(BOUNDARY_KEY, BOUNDARY_TITLE)],
        widget=UnfoldAdminSelectWidget,
    )
    title = None


class RuleInline(PartInline):
    """Who answers, by kind and layer."""

    model = BoundaryRule
    fields = ["kind", "layer", "domain", "note"]
    ordering = ("kind", "layer")
    extra = 0


@register(BoundaryVersion)
class BoundaryAdmin(PolicyAdmin):
    """Which domain answers for which layer of which kind of component."""

    section = "Policies"
    nav_title = "Ownership boundaries"
    nav_order = 46
    icon = "fence"
    empty_text = (
        "There are no boundaries. Add a draft to say which domain answers for which layer of "
        "which kind of component."
    )
    new_form = NewBoundariesForm
    inlines = [RuleInline]

    def create(self, request: HttpRequest, values: dict[str, Any]) -> PolicyVersion:
        """Under its one title."""
        return super().create(request, {**values, "title": BOUNDARY_TITLE})
