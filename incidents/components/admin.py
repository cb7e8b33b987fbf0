"""Components and dependencies in the admin, with the picture of what hangs on what."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from config import clock
from config.access.rules import Level
from config.access.visibility import require
from config.adminkit.base import (
    OperationAdmin,
    Queue,
    ReasonForm,
    SimpleListFilter,
    Verb,
    display,
    register,
)
from config.adminkit.scoping import actor_of
from config.errors import Invalid
from config.organisation.models import User
from config.organisation.rules import Domain
from incidents.boundaries.rules import is_out_of_bounds
from incidents.catalog.picturing import PicturedAdmin
from incidents.components import operations
from incidents.components.models import Component, Dependency, Item
from incidents.components.sheets import matrix_as_csv

CHECKED = {"Verified": "success", "Stale: verify it": "warning"}
STRENGTHS = {"Hard": "danger", "Shared": "warning", "Soft": "info"}


class BoundsFilter(SimpleListFilter):
    """Whether the owner is of the domain that the boundaries name."""

    title = "boundaries"
    parameter_name = "bounds"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [("out", "Out of bounds"), ("in", "Within")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the choice."""
        match self.value():
            case "out":
                return operations.out_of_bounds(queryset)
            case "in":
                outside = operations.out_of_bounds(queryset)
                return queryset.exclude(pk__in=outside.values("pk"))
        return queryset


@register(Component)
class ComponentAdmin(PicturedAdmin):
    """What services stand on, who owns it, and what its failure reaches."""

    section = "Organisation"
    nav_order = 52
    icon = "memory"
    empty_text = (
        "There is no component. Add what your services stand on: databases, networks, cloud "
        "resources, other companies' interfaces."
    )
    in_palette = True
    list_display = ["name", "key", "kind", "domain", "team", "bounds", "status"]
    list_filter = ["kind", "domain", "status", BoundsFilter, "team"]
    queues = (Queue("out-of-bounds", "Out of bounds", "bounds=out", "fence"),)
    search_fields = ["name", "key", "description"]
    autocomplete_fields = ["team"]
    fieldsets = [
        (None, {"fields": [("key", "name"), ("kind", "domain"), ("team", "status"), "bounds"]}),
        ("More", {"fields": ["description", "external_id"]}),
    ]
    readonly_fields = ["bounds"]
    list_select_related = ["team"]
    inlines = []
    actions = []
    change_verb = "edit"
    add_level = Level.MANAGE
    create_operation = operations.create_component
    edit_operation = operations.edit_component

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Any:
        """For a team whose components the visitor manages."""
        require(actor_of(request), "add_component", values["team"])
        return super().create(request, values)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the domain that answers for what each is."""
        return operations.with_rightful_domain(super().get_queryset(request))

    @display(description="Boundaries", label={"Within": "success", "Out of bounds": "danger"})
    def bounds(self, row: Any) -> tuple[str, str]:
        """Whether its owner is of the domain that answers for what it is."""
        rightful = getattr(row, "rightful_domain", "")
        if not rightful:
            return "", "No rule names a domain"
        name = Domain(rightful).label
        if not row.team.domain:
            return "", f"{name}; {row.team} names no domain"
        if is_out_of_bounds(row.team.domain, rightful):
            return "Out of bounds", f"Out of bounds: {name} answers, {row.team} owns"
        return "Within", "Within"


def _add(*, actor: User, strength: str, note: str = "", **ends: Any) -> Dependency:
    source, target = _end(ends, "source"), _end(ends, "target")
    require(actor, "add_dependency", source)
    return operations.add_dependency(source, target, actor=actor, strength=strength, note=note)


def _end(ends: dict[str, Any], name: str) -> Item:
    found = [ends[f"{name}_{kind}"] for kind in ("service", "component")]
    named = [each for each in found if each is not None]
    if len(named) != 1:
        raise Invalid("Name a service or a component, not both.", field=f"{name}_service")
    item: Item = named[0]
    return item


class StaleFilter(SimpleListFilter):
    """Those that the nightly job has flagged."""

    title = "stale"
    parameter_name = "stale"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [("yes", "Stale"), ("no", "Verified")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the choice."""
        match self.value():
            case "yes":
                return queryset.filter(stale_since__isnull=False)
            case "no":
                return queryset.filter(stale_since__isnull=True)
        return queryset


@register(Dependency)
class DependencyAdmin(OperationAdmin):
    """What needs what, how strongly, and when somebody last looked."""

    section = "Organisation"
    nav_order = 54
    icon = "hub"
    empty_text = "No dependency is known. Add what a service needs: components, other services."
    list_after_template = "incidents/matrix_link.html"
    list_display = ["__str__", "shown_strength", "responsible", "verified_at", "stale"]
    list_filter = ["strength", StaleFilter]
    search_fields = [
        *("source_service__name", "source_component__name"),
        *("target_service__name", "target_component__name"),
    ]
    autocomplete_fields = [
        *("source_service", "source_component", "target_service", "target_component"),
    ]
    fieldsets = [
        (
            "What depends",
            {"fields": [("source_service", "source_component")], "description": "Name one."},
        ),
        (
            "On what",
            {"fields": [("target_service", "target_component")], "description": "Name one."},
        ),
        (None, {"fields": ["strength", "note", ("verified_at", "stale")]}),
    ]
    readonly_fields = ["verified_at", "stale"]
    queues = (Queue("stale", "Stale dependencies", "stale=yes", "history_toggle_off"),)
    inlines = []
    actions = []
    change_verb = "edit"
    add_level = Level.MANAGE
    create_operation = _add
    edit_operation = operations.edit_dependency
    verbs = (
        Verb("verify", operations.verify_dependency, label="Verified: it is so", bulk=True),
        Verb("remove", operations.remove_dependency, form=ReasonForm, danger=True),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """With both ends."""
        rows: Any = super().get_queryset(request)
        return rows.with_ends()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The ends stay: another end is another dependency."""
        ends = self.autocomplete_fields if obj is not None else []
        return [*self.readonly_fields, *ends]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """What is there needs no hint how to choose it."""
        declared = super().get_fieldsets(request, obj)
        if obj is None:
            return declared
        return [(title, {"fields": options["fields"]}) for title, options in declared]

    def get_urls(self) -> list[URLPattern]:
        """The matrix has an address of its own."""
        view = self.admin_site.admin_view(self.matrix_view)
        name = "incidents_dependency_matrix"
        return [path("matrix.csv", view, name=name), *super().get_urls()]

    def matrix_view(self, request: HttpRequest) -> HttpResponse:
        """Every dependency that the visitor may see, as CSV; who took it is recorded."""
        return matrix_as_csv(actor_of(request))

    @display(description="Strength", ordering="strength", label=STRENGTHS)
    def shown_strength(self, row: Dependency) -> str:
        """As a badge with text."""
        return str(row.strength).capitalize()

    @display(description="Responsible")
    def responsible(self, row: Dependency) -> str:
        """The team that answers for what is needed."""
        return str(row.target.team)

    @display(description="Checked", label=CHECKED)
    def stale(self, row: Dependency) -> str:
        """By the policy, now."""
        if row._state.adding:
            return "Verified"
        return "Stale: verify it" if operations.is_stale(row, clock.now()) else "Verified"
