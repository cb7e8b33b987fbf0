"""The RACI matrix and the functions of tools in the admin."""

from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from config.access.operations import enterprise
from config.access.rules import Level
from config.access.visibility import require
from config.adminkit.base import OperationAdmin, register, unit_shown
from config.adminkit.policy import PartInline, PolicyAdmin
from config.adminkit.policy_forms import NewPolicyForm
from config.adminkit.scoping import actor_of
from config.governance.models import PolicyVersion
from incidents.responsibility import operations
from incidents.responsibility.models import RaciAssignment, RaciVersion, ToolFunction
from incidents.responsibility.operations import MATRIX_KEY, MATRIX_TITLE


class NewMatrixForm(NewPolicyForm):
    """The enterprise's matrix, or a unit's own."""

    key = forms.ChoiceField(
        label="Matrix", choices=[(MATRIX_KEY, MATRIX_TITLE)], widget=UnfoldAdminSelectWidget
    )
    title = None


class AssignmentInline(PartInline):
    """The letters, by activity."""

    model = RaciAssignment
    fields = ["activity", "letter", "party", "role", "team"]
    ordering = ("activity",)
    verbose_name_plural = "Who is responsible, accountable, consulted and informed"
    extra = 0


@register(RaciVersion)
class RaciAdmin(PolicyAdmin):
    """Who is responsible, accountable, consulted and informed, by activity."""

    section = "Policies"
    nav_title = "RACI matrix"
    nav_order = 45
    icon = "assignment_ind"
    empty_text = "There is no matrix. Add a draft to say who answers for which activity."
    new_form = NewMatrixForm
    inlines = [AssignmentInline]

    def create(self, request: HttpRequest, values: dict[str, Any]) -> PolicyVersion:
        """Under its one title."""
        return super().create(request, {**values, "title": MATRIX_TITLE})


@register(ToolFunction)
class ToolFunctionAdmin(OperationAdmin):
    """Which team holds which function of the tools."""

    section = "Organisation"
    nav_title = "Tool functions"
    nav_order = 62
    icon = "badge"
    empty_text = (
        "No function is held by a team. Add who triages alerts, publishes on the status page, "
        "pages, and administers chat rooms."
    )
    list_display = ["function", unit_shown, "team"]
    list_filter = ["function", "unit"]
    search_fields = ["team__name"]
    autocomplete_fields = ["team"]
    list_select_related = ["unit", "team"]
    fieldsets = [(None, {"fields": ["function", "unit", "team"]})]
    inlines = []
    actions = []
    change_verb = "edit"
    add_level = Level.MANAGE
    create_operation = operations.assign_function
    edit_operation = operations.edit_function

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Any:
        """For a unit that the visitor manages; without one, for the enterprise."""
        require(actor_of(request), "assign_function", values.get("unit") or enterprise())
        return super().create(request, values)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What is held and where stays; by whom can change."""
        return ["function", "unit"] if obj is not None else []
