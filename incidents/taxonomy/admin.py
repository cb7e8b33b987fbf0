"""The severity table, a row for each level and tier."""

from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from config.adminkit.base import register
from config.adminkit.policy import NewPolicyForm, PartInline, PolicyAdmin
from config.governance.models import PolicyVersion
from incidents.taxonomy.models import SeverityCell, SeverityTableVersion
from incidents.taxonomy.operations import TABLE_KEY, TABLE_TITLE


class NewTableForm(NewPolicyForm):
    """The enterprise's table, or a unit's own."""

    key = forms.ChoiceField(
        label="Table", choices=[(TABLE_KEY, TABLE_TITLE)], widget=UnfoldAdminSelectWidget
    )
    title = None


class CellInline(PartInline):
    """The cells of a version."""

    model = SeverityCell
    fields = ["level", "tier", "severity"]
    ordering = ("line",)


@register(SeverityTableVersion)
class SeverityTableAdmin(PolicyAdmin):
    """Which severity a level means on a tier."""

    nav_title = "Severity tables"
    icon = "grid_on"
    empty_text = "There is no table. Add a draft to say which severity a level means on a tier."
    nav_order = 30
    new_form = NewTableForm
    inlines = [CellInline]

    def create(self, request: HttpRequest, values: dict[str, Any]) -> PolicyVersion:
        """Under its one title."""
        return super().create(request, {**values, "title": TABLE_TITLE})
