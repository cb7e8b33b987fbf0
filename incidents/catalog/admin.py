"""The catalogue of services in the admin."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminURLInputWidget

from config.access.rules import Level
from config.access.visibility import require
from config.adminkit.base import OperationAdmin, display, register
from config.adminkit.scoping import actor_of
from incidents.catalog import operations
from incidents.catalog.models import Service
from incidents.catalog.rules import missing_fields

if TYPE_CHECKING:
    _Form = forms.ModelForm[Service]
else:
    _Form = forms.ModelForm

TIERS = {1: "danger", 2: "warning", 3: "info", 4: "success"}


class ServiceForm(_Form):
    """Says beside the field what a tier needs, before the database would refuse it."""

    runbook_url = forms.URLField(
        label="Runbook", required=False, assume_scheme="https", widget=UnfoldAdminURLInputWidget
    )

    def clean(self) -> dict[str, Any] | None:
        """The fields that this tier needs."""
        cleaned = super().clean()
        tier, rto = self.cleaned_data.get("tier"), self.cleaned_data.get("rto_minutes")
        missing = missing_fields(tier=tier, rto_minutes=rto, team=self.cleaned_data.get("team"))
        for name, text in missing.items():
            if name in self.fields and name not in self.errors:
                self.add_error(name, text)
        return cleaned


@register(Service)
class ServiceAdmin(OperationAdmin):
    """Who owns what, and how much it matters."""

    nav_order = 50
    icon = "deployed_code"
    empty_text = (
        "There is no service. Add what you run and the team that owns it: alerts and incidents "
        "are about services."
    )
    in_palette = True
    form = ServiceForm

    list_display = ["name", "key", "shown_tier", "team", "status", "region"]
    list_filter = ["tier", "status", "team"]
    search_fields = ["name", "key", "description"]
    autocomplete_fields = ["team"]
    readonly_fields = []
    fieldsets = [
        (None, {"fields": [("key", "name"), "description", ("team", "status")]}),
        (
            "How much it matters",
            {"fields": [("tier", "is_customer_facing"), ("rto_minutes", "rpo_minutes"), "region"]},
        ),
        ("When it fails", {"fields": ["runbook_url"]}),
    ]
    inlines = []
    actions = []
    list_select_related = ["team"]

    change_verb = "edit"
    add_level = Level.MANAGE
    create_operation = operations.create_service
    edit_operation = operations.edit_service

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Any:
        """For a team whose catalogue the visitor manages."""
        require(actor_of(request), "add_service", values["team"])
        return super().create(request, values)

    @display(description="Tier", ordering="tier", label=TIERS)
    def shown_tier(self, service: Service) -> tuple[int, str]:
        """The tier as a badge."""
        return service.tier, f"Tier {service.tier}"
