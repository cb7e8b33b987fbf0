"""The severity matrix: rules by impact, cells by level and tier, and what a severity sets off."""

from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from config.access.rules import Role
from config.adminkit.base import register
from config.adminkit.policy import PartInline, PolicyAdmin
from config.adminkit.policy_forms import NewPolicyForm, PartForm
from config.governance.models import PolicyVersion
from incidents.taxonomy.models import Engagement, ImpactRule, SeverityCell, SeverityTableVersion
from incidents.taxonomy.operations import TABLE_KEY, TABLE_TITLE


class NewTableForm(NewPolicyForm):
    """The enterprise's matrix, or a unit's own."""

    key = forms.ChoiceField(
        label="Matrix", choices=[(TABLE_KEY, TABLE_TITLE)], widget=UnfoldAdminSelectWidget
    )
    title = None


class RuleInline(PartInline):
    """The rules, in the order in which they are asked."""

    model = ImpactRule
    template = "admin/edit_inline/stacked.html"  # conditions need the width of the page
    fields = [("position", "severity", "note"), "conditions"]
    ordering = ("position",)
    verbose_name_plural = "Rules by impact: the first that matches decides"
    extra = 0


class CellInline(PartInline):
    """The cells of a version."""

    model = SeverityCell
    fields = ["level", "tier", "severity"]
    ordering = ("line",)
    verbose_name_plural = "By level and tier: where no rule matches"
    extra = 0


class EngagementForm(PartForm):
    """The roles as boxes to tick."""

    roles = forms.MultipleChoiceField(
        choices=Role.choices, required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )


class EngagementInline(PartInline):
    """What each severity sets off."""

    model = Engagement
    form = EngagementForm
    fields = [
        *("severity", "roles", "has_war_room", "communication_plan", "escalation_policy"),
        *("sla_target_minutes", "penalty_clause"),
    ]
    ordering = ("severity",)
    verbose_name_plural = "What each severity sets off"
    extra = 0


@register(SeverityTableVersion)
class SeverityTableAdmin(PolicyAdmin):
    """Which severity an impact means, and what each severity sets off."""

    nav_title = "Severity matrix"
    icon = "grid_on"
    empty_text = "There is no matrix. Add a draft to say which severity an impact means."
    nav_order = 30
    new_form = NewTableForm
    inlines = [RuleInline, CellInline, EngagementInline]

    def create(self, request: HttpRequest, values: dict[str, Any]) -> PolicyVersion:
        """Under its one title."""
        return super().create(request, {**values, "title": TABLE_TITLE})
