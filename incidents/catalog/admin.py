"""The catalogue of services in the admin."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminURLInputWidget,
)

from config.access.operations import enterprise
from config.access.rules import Level
from config.access.visibility import require
from config.adminkit.base import (
    OperationAdmin,
    OperationInline,
    ReasonForm,
    Verb,
    display,
    register,
    unit_shown,
)
from config.adminkit.scoping import actor_of
from incidents.catalog import operations
from incidents.catalog.models import BusinessFunction, Service, ServiceRegion
from incidents.catalog.picturing import PicturedAdmin
from incidents.catalog.rules import DataClass, ScopeOverride, missing_fields

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
    data_classes = forms.MultipleChoiceField(
        choices=DataClass.choices, required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget
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


class OverrideForm(ReasonForm):
    """What is decided against the rule, why, and until when."""

    to = forms.ChoiceField(
        label="Count it as", choices=ScopeOverride.choices, widget=UnfoldAdminSelectWidget
    )
    until = forms.SplitDateTimeField(
        label="Until (UTC)",
        widget=UnfoldAdminSplitDateTimeWidget(),
        help_text="Then the rule decides again. Within the next year.",
    )
    field_order = ["to", "until", "reason"]


class RegionInline(OperationInline):
    """Where the service is offered, and the hours that it keeps there."""

    model = ServiceRegion
    fields = ["region", "calendar"]
    ordering = ("region",)
    verbose_name_plural = "Operating hours by region"
    show_change_link = False
    change_verb = "edit"
    create_operation = operations.set_region
    edit_operation = operations.change_region
    delete_operation = operations.remove_region


@register(BusinessFunction)
class FunctionAdmin(OperationAdmin):
    """What the company does; services stand behind it."""

    nav_order = 45
    icon = "category"
    empty_text = (
        "There is no business function. Add what the company does, such as taking payments, and "
        "name it on the services behind it."
    )
    list_display = ["name", "key", unit_shown]
    list_filter = ["unit"]
    search_fields = ["name", "key", "description"]
    fieldsets = [(None, {"fields": [("key", "name"), "unit", "description"]})]
    list_select_related = ["unit"]
    inlines = []
    actions = []
    change_verb = "edit"
    add_level = Level.MANAGE
    create_operation = operations.create_function
    edit_operation = operations.edit_function

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Any:
        """Of a unit that the visitor manages; without one, of the enterprise."""
        require(actor_of(request), "add_function", values.get("unit") or enterprise())
        return super().create(request, values)


@register(Service)
class ServiceAdmin(PicturedAdmin):
    """Who owns what, and how much it matters."""

    nav_order = 50
    icon = "deployed_code"
    empty_text = (
        "There is no service. Add what you run and the team that owns it: alerts and incidents "
        "are about services."
    )
    in_palette = True
    form = ServiceForm

    list_display = ["name", "key", "shown_tier", "shown_scope", "team", "owner", "status"]
    list_filter = [
        *("tier", "status", "in_scope", "is_sla_reportable", "function", "team"),
        *("is_regulated", "is_sla_governed"),
    ]
    search_fields = ["name", "key", "description"]
    autocomplete_fields = ["team", "function"]
    readonly_fields = ["shown_scope", "why_in_scope"]
    fieldsets = [
        (
            None,
            {"fields": [("key", "name"), "description", ("team", "owner"), ("function", "status")]},
        ),
        (
            "How much it matters",
            {
                "fields": [
                    *(("tier", "business_impact"), ("rto_minutes", "rpo_minutes"), "region"),
                    ("is_customer_facing", "is_key_workflow", "is_sla_governed", "is_regulated"),
                    "data_classes",
                ]
            },
        ),
        ("Scope", {"fields": ["shown_scope", "why_in_scope"]}),
        ("When it fails", {"fields": ["runbook_url"]}),
    ]
    inlines = [RegionInline]
    actions = []
    list_select_related = ["team", "owner"]

    change_verb = "edit"
    add_level = Level.MANAGE
    create_operation = operations.create_service
    edit_operation = operations.edit_service
    verbs = (
        Verb(
            "override_scope",
            operations.override_scope,
            label="Override the scope",
            form=OverrideForm,
            help="Until the end that you name; the rule and your reason stay in the history.",
        ),
        Verb(
            "end_scope_override",
            operations.end_scope_override,
            label="End the override",
            form=ReasonForm,
        ),
    )

    def verbs_from(self, obj: Service) -> list[str]:
        """What is overridden can be left to the rule again."""
        return ["override_scope", *(["end_scope_override"] if obj.scope_override else [])]

    def get_inline_instances(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Regions come once there is a service."""
        return [] if obj is None else super().get_inline_instances(request, obj)

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Any:
        """For a team whose catalogue the visitor manages."""
        require(actor_of(request), "add_service", values["team"])
        return super().create(request, values)

    @display(description="Tier", ordering="tier", label=TIERS)
    def shown_tier(self, service: Service) -> tuple[int, str]:
        """The tier as a badge."""
        return service.tier, f"Tier {service.tier}"

    @display(
        description="Scope",
        ordering="in_scope",
        label={"In scope": "info", "SLA-reportable": "warning"},
    )
    def shown_scope(self, service: Service) -> str:
        """What follows from it, as a badge with text."""
        if service.is_sla_reportable:
            return "SLA-reportable"
        return "In scope" if service.in_scope else "Out of scope"

    @display(description="Why")
    def why_in_scope(self, service: Service) -> str:
        """Which version and row decided, and what each condition found; or whose override holds."""
        if service._state.adding:
            return "The scope rule decides once the service is saved."
        judged = operations.why(service)
        rule = str(judged.version) if judged.version else "The shipped scope rule"
        row = f"row “{judged.line}”" if judged.line else "no row matches"
        found = "; ".join(f"{each.text} (it is {each.actual})" for each in judged.findings)
        text = f"{rule}, {row}{f': {found}' if found else ''}."
        if not service.scope_override:
            return text
        until = f"{service.scope_override_until:%Y-%m-%d %H:%M} UTC"
        said = service.get_scope_override_display()
        return (
            f"Overridden until {until}: {said}. {service.scope_override_reason}. The rule: {text}"
        )
