"""The scope rule in the admin."""

from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from config.adminkit.base import register
from config.adminkit.policy import PartInline, PolicyAdmin
from config.adminkit.policy_forms import NewPolicyForm
from config.governance.models import PolicyVersion
from incidents.scoping.models import ScopeRule, ScopeRuleVersion
from incidents.scoping.operations import RULE_KEY, RULE_TITLE


class NewRuleForm(NewPolicyForm):
    """The enterprise's rule, or a unit's own."""

    key = forms.ChoiceField(
        label="Rule", choices=[(RULE_KEY, RULE_TITLE)], widget=UnfoldAdminSelectWidget
    )
    title = None


class ScopeRuleInline(PartInline):
    """The rules, in the order in which they are asked."""

    model = ScopeRule
    fields = ["position", "in_scope", "sla_reportable", "conditions", "note"]
    ordering = ("position",)
    verbose_name_plural = "Rules: the first that matches decides; none: out of scope"
    extra = 0


@register(ScopeRuleVersion)
class ScopeRuleAdmin(PolicyAdmin):
    """Which services are in scope, and whose failures are reportable under an SLA."""

    section = "Policies"
    nav_title = "Scope rule"
    nav_order = 35
    icon = "filter_center_focus"
    empty_text = "There is no scope rule. Add a draft to say which services are in scope."
    new_form = NewRuleForm
    inlines = [ScopeRuleInline]

    def create(self, request: HttpRequest, values: dict[str, Any]) -> PolicyVersion:
        """Under its one title."""
        return super().create(request, {**values, "title": RULE_TITLE})
