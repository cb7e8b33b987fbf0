"""Operating models, what units may do, and the report of what they do otherwise."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.widgets import UnfoldAdminSelectWidget

from config.access.visibility import require
from config.adminkit.base import actor_of, display, register
from config.adminkit.policy import PolicyAdmin
from config.adminkit.policy_forms import NewPolicyForm
from config.adminkit.scoping import visible_rows
from config.federation.models import FreedomVersion, OperatingModelVersion
from config.federation.operations import divergences, propose_freedom
from config.federation.rules import MODEL_KEY, MODEL_TITLE
from config.governance.models import Policy, PolicyVersion


class NewModelForm(NewPolicyForm):
    """Of the enterprise, or of a unit."""

    key = forms.ChoiceField(
        label="Model", choices=[(MODEL_KEY, MODEL_TITLE)], widget=UnfoldAdminSelectWidget
    )
    title = None


@register(OperatingModelVersion)
class OperatingModelAdmin(PolicyAdmin):
    """Who owns triage, command, policy and reporting in a unit, and from when."""

    nav_title = "Operating models"
    icon = "hub"
    section = "Organisation"
    nav_order = 15
    empty_text = (
        "No model is declared: units are federated. Add a draft to say how a unit is run, and "
        "from when."
    )
    list_before_template = "federation/above_list.html"
    new_form = NewModelForm
    list_display = ["version", "unit", "model", *PolicyAdmin.list_display[2:]]

    def create(self, request: HttpRequest, values: dict[str, Any]) -> PolicyVersion:
        """Under its one title."""
        return super().create(request, {**values, "title": MODEL_TITLE})

    def get_urls(self) -> list[URLPattern]:
        """With the report."""
        view = self.admin_site.admin_view(self.divergence_view)
        name = "config_operatingmodelversion_divergence"
        return [path("divergence/", view, name=name), *super().get_urls()]

    def divergence_view(self, request: HttpRequest) -> TemplateResponse:
        """Each policy that a unit has of its own, beside the enterprise's."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Divergence of units",
            "rows": list(divergences(actor_of(request))),
        }
        return TemplateResponse(request, "federation/divergence.html", context)


class NewFreedomForm(forms.ModelForm):  # type: ignore[type-arg]  # as NewPolicyForm
    """For which policy of the enterprise, and what units may do with it."""

    class Meta:
        model = FreedomVersion
        fields = ("about", "freedom")
        widgets = {"about": UnfoldAdminSelectWidget, "freedom": UnfoldAdminSelectWidget}


@register(FreedomVersion)
class FreedomAdmin(PolicyAdmin):
    """What units may do with each policy of the enterprise; without a version, as shipped."""

    nav_title = "What units may do"
    icon = "lock_open"
    section = "Policies"
    nav_order = 57
    empty_text = (
        "Units may do with each policy what it was shipped with. Add a draft to lock a policy, or "
        "to open it to units; somebody else approves it."
    )
    new_form = NewFreedomForm
    list_display = ["about", "freedom", "short_version", *PolicyAdmin.list_display[2:]]
    list_select_related = [*PolicyAdmin.list_select_related, "about__unit"]
    search_fields = ["about__key", "about__title", "change_reason"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Which policy it is about is said once."""
        fields = super().get_readonly_fields(request, obj)
        return fields if obj is None else (*fields, "about")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The enterprise's policies; units have none to give."""
        if db_field.name == "about":
            rows = visible_rows(Policy, request).filter(unit=None)
            kwargs["queryset"] = rows.exclude(kind=FreedomVersion.policy_kind).order_by("title")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def create(self, request: HttpRequest, values: dict[str, Any]) -> PolicyVersion:
        """A draft, where the visitor may write one."""
        actor = actor_of(request)
        require(actor, "draft", values["about"])
        return propose_freedom(values["about"], freedom=values["freedom"], actor=actor)

    @display(description="Version", ordering="number")
    def short_version(self, version: FreedomVersion) -> str:
        """Its number."""
        return f"v{version.number}"
