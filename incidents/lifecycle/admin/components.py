"""Partial restoration on the incident's page: the components, and forms about them."""

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from config.adminkit.verbs import VerbForm
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.lifecycle.models.components import STATED


def panel(incident: Incident, reader: User) -> dict[str, Any]:
    """What the template of the panel shows; no incident that isn't for the reader."""
    seen = set(
        Incident.objects.visible_to(reader)
        .filter(linked_from__incident=incident)
        .values_list("pk", flat=True)
    )
    rows = incident.components.select_related("service", "link__other", "link__owner")
    return {
        "components": [
            (row, row.link if row.link and row.link.other_id in seen else None)
            for row in rows.order_by("name", "pk")
        ],
    }


def _text(label: str, *, required: bool = False, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=help_text,
    )


class ComponentForm(VerbForm):
    """How a component fares."""

    name = forms.CharField(
        label="Component",
        max_length=120,
        widget=UnfoldAdminTextInputWidget,
        help_text="As listed on the page; another name adds one.",
    )
    state = forms.ChoiceField(
        choices=[(each.value, str(each.label)) for each in STATED], widget=UnfoldAdminSelectWidget
    )
    service = forms.ModelChoiceField(
        queryset=Service.objects.none(),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="Empty: the incident's own.",
    )
    at = forms.SplitDateTimeField(
        label="Since when",
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget(),
        help_text="UTC. Leave it empty for now.",
    )
    note = _text("Note")

    def offer(self, reader: User) -> None:
        """The services that the visitor may see."""
        rows = Service.objects.visible_to(reader).order_by("name")
        self.fields["service"].queryset = rows  # type: ignore[attr-defined]  # a model choice


class SplitOffForm(VerbForm):
    """Where the rest goes on, and who answers for it."""

    owner = forms.ModelChoiceField(queryset=User.objects.none(), widget=UnfoldAdminSelectWidget)
    reason = _text("Reason", required=True, help_text="Kept on both incidents.")
    title = forms.CharField(
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text="Of the new incident; empty: made of this one and the components.",
    )

    def offer(self, reader: User) -> None:
        """The people whom the visitor may see."""
        rows = User.objects.visible_to(reader).people().order_by("name", "username")
        self.fields["owner"].queryset = rows  # type: ignore[attr-defined]  # a model choice
