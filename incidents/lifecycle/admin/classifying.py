"""The fields of an incident that name values of the taxonomy, and the consolidated report."""

from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectMultipleWidget

from config.adminkit.base import ReadOnlyAdmin, display, register, unit_shown
from config.adminkit.scoping import actor_of, visible_rows
from incidents.lifecycle.consolidation import consolidated
from incidents.lifecycle.models import Incident
from incidents.terms.models import TaxonomyValue
from incidents.terms.operations import FIELDS, tree_for
from incidents.terms.rules import Kind, Tree


class IncidentForm(forms.ModelForm):  # type: ignore[type-arg]  # of one model
    """Tags from a list; and nobody types a severity, by whatever means."""

    tags = forms.MultipleChoiceField(required=False, widget=UnfoldAdminSelectMultipleWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "tags" in self.fields:
            tags: Any = self.fields["tags"]
            tags.choices = _tags(self.instance)

    def clean(self) -> dict[str, Any] | None:
        """Refuse a severity that was sent along."""
        if "severity" in self.data:
            raise forms.ValidationError(
                "The severity is computed. State the impact, or change the severity by its verb.",
                code="severity_computed",
            )
        return super().clean()


def _tags(incident: Incident) -> list[tuple[str, str]]:
    """Those that are offered, and those that the incident has already."""
    tree = _tree_of(incident if incident.pk else None)
    offered = {term.key: term.label for term in tree.offered(Kind.TAG)}
    return [*offered.items(), *((key, key) for key in incident.tags if key not in offered)]


def _tree_of(incident: Incident | None) -> Tree:
    return tree_for(None if incident is None else incident.unit)


def choices_of(field: str, request: HttpRequest, incident: Incident | None) -> QuerySet[Any]:
    """What may be chosen: what is offered, and what the incident says already."""
    kind = FIELDS[field]
    rows = visible_rows(TaxonomyValue, request).filter(kind=kind)
    if not hasattr(request, "_watchbill_tree"):  # read once for all fields of the form
        request._watchbill_tree = _tree_of(incident)  # type: ignore[attr-defined]  # ours
    offered = [term.key for term in request._watchbill_tree.offered(kind)]  # type: ignore[attr-defined]  # as above
    said = None if incident is None else getattr(incident, f"{field}_id")
    found = rows.filter(key__in=offered) | rows.filter(pk=said)
    if incident is None:
        # Which unit it will be follows from the service, so its values are checked when saved.
        found |= rows.filter(pk__in=_of_units(rows))
    return found.order_by("label")


def _of_units(rows: QuerySet[Any]) -> list[int]:
    """The values that units add and still offer, read a tree for each unit."""
    trees: dict[int, Tree] = {}
    found = []
    for value in rows.filter(unit__isnull=False).select_related("unit"):
        tree = trees.setdefault(value.unit_id, tree_for(value.unit))
        term = tree.find(value.kind, value.key)
        if term is not None and tree.is_offered(term):
            found.append(value.pk)
    return found


@register(TaxonomyValue)
class TaxonomyValueAdmin(ReadOnlyAdmin):
    """What records name, and how many do; a unit's values count for what they hang below."""

    section = "Policies"
    nav_title = "Taxonomy in use"
    nav_order = 32
    icon = "category"
    empty_text = "No value has been in force yet. Activate a version of the taxonomy."
    list_display = ["label", "kind", "key", "parent", unit_shown, "counted"]
    list_filter = ["kind", "unit"]
    list_select_related = ["parent", "unit"]
    search_fields = ["key", "label"]
    readonly_fields = ["kind", "key", "label", "parent", "unit"]
    fields = ["kind", "key", "label", "parent", "unit"]
    ordering = ("kind", "label")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the number of incidents that the visitor may see."""
        return consolidated(super().get_queryset(request), actor_of(request))

    @display(description="Incidents", ordering="incidents")
    def counted(self, value: TaxonomyValue) -> int:
        """Those that name it, or what units hang below it."""
        return cast("int", value.incidents)  # type: ignore[attr-defined]  # annotated
