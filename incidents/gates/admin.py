"""Intake templates: a row for each field that is mandatory from a stage on."""

from typing import Any

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from config.adminkit.base import register
from config.adminkit.policy import PartInline, PolicyAdmin
from config.adminkit.policy_forms import NewPolicyForm, PartForm
from config.governance.models import PolicyVersion
from incidents.gates.models import ChannelChoice, FieldDemand, IntakeTemplateVersion
from incidents.gates.operations import title_of
from incidents.gates.rules import ANY, key_of
from incidents.terms.models import ValueKind
from incidents.terms.operations import tree_for


class NewTemplateForm(NewPolicyForm):
    """For which incidents it is; the closest template holds alone."""

    key = None  # type: ignore[assignment]  # it follows from type and channel
    title = None
    type = forms.ChoiceField(
        widget=UnfoldAdminSelectWidget,
        help_text="The template of the type holds, else that of the type above it, else of any.",
    )
    channel = forms.ChoiceField(
        choices=ChannelChoice.choices,
        widget=UnfoldAdminSelectWidget,
        help_text="A template for the channel holds before one for any channel.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        types = [(term.key, term.label) for term in tree_for().offered(ValueKind.TYPE)]
        self.fields["type"].choices = [(ANY, "Any type"), *types]  # type: ignore[attr-defined]  # a choice field


class DemandForm(PartForm):
    """The listed values as one line."""

    options = SimpleArrayField(
        forms.CharField(max_length=60),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="For 'one of the listed values': the values or keys, separated by commas.",
    )


class DemandInline(PartInline):
    """What is mandatory, by stage."""

    model = FieldDemand
    form = DemandForm
    fields = ["field", "stage", "answer", "least", "options", "conditions", "hint"]
    ordering = ("stage", "field")
    verbose_name_plural = "Mandatory fields. Each holds at its stage and at all later ones"
    extra = 0


@register(IntakeTemplateVersion)
class IntakeTemplateAdmin(PolicyAdmin):
    """Which fields an incident must have to be opened, triaged, resolved and closed."""

    nav_title = "Intake templates"
    icon = "checklist"
    empty_text = "There is no template. Add a draft to say what incidents must have, and when."
    nav_order = 33
    new_form = NewTemplateForm
    inlines = [DemandInline]

    def create(self, request: HttpRequest, values: dict[str, Any]) -> PolicyVersion:
        """The key follows from type and channel."""
        key = key_of(values["type"], values["channel"])
        return super().create(request, {**values, "key": key, "title": title_of(key)})
