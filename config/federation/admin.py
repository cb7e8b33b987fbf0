"""Operating models in the admin, and the report of what units do otherwise."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.widgets import UnfoldAdminSelectWidget

from config.adminkit.base import actor_of, register
from config.adminkit.policy import NewPolicyForm, PolicyAdmin
from config.federation.models import OperatingModelVersion
from config.federation.operations import divergences
from config.federation.rules import MODEL_KEY, MODEL_TITLE
from config.governance.models import PolicyVersion


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
