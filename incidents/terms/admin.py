"""The taxonomy as a form: each value a row of dropdowns and boxes."""

from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminSelectWidget,
)

from config.adminkit.base import register
from config.adminkit.policy import PartInline, PolicyAdmin
from config.adminkit.policy_forms import NewPolicyForm, PartForm
from config.governance.models import PolicyVersion
from incidents.terms.models import TaxonomyEntry, TaxonomyVersion, ValueKind
from incidents.terms.operations import (
    TAXONOMY_KEY,
    TAXONOMY_TITLE,
    parent_choices,
    terms_of,
    tree_for,
)
from incidents.terms.rules import COMPONENT_KINDS


class NewTaxonomyForm(NewPolicyForm):
    """The enterprise's tree, or what a unit adds to it."""

    key = forms.ChoiceField(
        label="Taxonomy",
        choices=[(TAXONOMY_KEY, TAXONOMY_TITLE)],
        widget=UnfoldAdminSelectWidget,
        help_text="A unit adds values below those of the enterprise.",
    )
    title = None


class EntryForm(PartForm):
    """Parent and tags from what there is, components as boxes."""

    parents: ClassVar[list[tuple[str, str]]] = []
    tags: ClassVar[list[tuple[str, str]]] = []

    parent = forms.ChoiceField(
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="Save a new value before you hang others below it.",
    )
    component_kinds = forms.MultipleChoiceField(
        choices=COMPONENT_KINDS,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Types only. None: any component.",
    )
    default_tags = forms.MultipleChoiceField(required=False, widget=UnfoldAdminSelectMultipleWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        said = self.instance
        kept: dict[str, Any] = self.fields
        kept["parent"].choices = _with([("", "nothing"), *self.parents], [said.parent])
        kept["default_tags"].choices = _with(self.tags, said.default_tags)


def _with(choices: list[tuple[str, str]], said: list[str]) -> list[tuple[str, str]]:
    """What is offered, and what the row says already."""
    known = dict(choices)
    return [*choices, *((value, f"{value} (retired)") for value in said if value not in known)]


class EntryInline(PartInline):
    """The values, by kind."""

    model = TaxonomyEntry
    fields = [
        *("kind", "key", "label", "parent", "component_kinds", "default_tags", "is_retired"),
    ]
    ordering = ("kind", "parent", "key")
    verbose_name_plural = "Values. Retire what is not to be used any more; rows don't vanish"
    extra = 0

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """With what can be chosen in this version, read once for all rows."""
        if obj is not None:
            offered = {"parents": parent_choices(obj), "tags": _tags(obj)}
            kwargs["form"] = type("VersionEntryForm", (EntryForm,), offered)
        return super().get_formset(request, obj, **kwargs)


def _tags(version: TaxonomyVersion) -> list[tuple[str, str]]:
    known = {**tree_for(None).terms, **terms_of(version)}
    return [(t.key, t.label) for t in known.values() if t.kind == ValueKind.TAG]


@register(TaxonomyVersion)
class TaxonomyAdmin(PolicyAdmin):
    """Types, categories, closure and cause codes, tags."""

    nav_title = "Taxonomy"
    icon = "account_tree"
    empty_text = "There is no taxonomy. Add a draft to say how incidents are classified."
    nav_order = 31
    new_form = NewTaxonomyForm
    inlines = [EntryInline]

    def create(self, request: HttpRequest, values: dict[str, Any]) -> PolicyVersion:
        """Under its one title."""
        return super().create(request, {**values, "title": TAXONOMY_TITLE})
