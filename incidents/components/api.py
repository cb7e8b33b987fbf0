"""`/api/v1/components/` and `/api/v1/dependencies/`: what depends on what."""

from typing import Any, cast

import django_filters
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from config.access.visibility import require
from config.apikit.serializers import Input, Ref
from config.apikit.views import OPEN, VIEW, Creates, Edits, Histories, Resource, verb
from config.errors import Invalid
from config.organisation.models import KEY_VALIDATOR, Team, User
from config.organisation.rules import Domain
from incidents.boundaries.rules import ComponentKind, is_out_of_bounds
from incidents.catalog.api import ServiceViewSet
from incidents.catalog.models import Service
from incidents.components import operations
from incidents.components.models import Component, ComponentStatus, Dependency, Item
from incidents.components.operations.linking import kind_of
from incidents.components.rules import Strength
from incidents.components.sheets import matrix_as_csv, radius_as_csv


class ComponentOut(serializers.ModelSerializer[Component]):
    """One component."""

    team = serializers.SlugRelatedField[Team](slug_field="key", read_only=True)
    rightful_domain = serializers.CharField(
        read_only=True,
        help_text="Which domain answers for what it is, by the boundaries in force; or empty.",
    )
    out_of_bounds = serializers.SerializerMethodField(
        help_text="Owned by a team of another domain than that."
    )
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = Component
        fields = read_only_fields = (
            *("key", "name", "kind", "domain", "team", "rightful_domain", "out_of_bounds"),
            *("status", "description", "external_id", "version"),
        )

    def get_out_of_bounds(self, row: Any) -> bool:
        """Where its owner is of another domain."""
        return is_out_of_bounds(row.team.domain, row.rightful_domain)


class ComponentIn(Input):
    """A new component."""

    key = serializers.CharField(max_length=60, validators=[KEY_VALIDATOR])
    name = serializers.CharField(max_length=120)
    kind = serializers.ChoiceField(choices=ComponentKind.choices)
    domain = serializers.ChoiceField(choices=Domain.choices)
    team = Ref(Team, "key")
    status = serializers.ChoiceField(choices=ComponentStatus.choices, required=False)
    description = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    external_id = serializers.CharField(required=False, allow_blank=True, max_length=64)


class ComponentEditIn(ComponentIn):
    """What can be changed, with a reason for the history."""

    reason = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class ReachedOut(serializers.Serializer[Any]):
    """One item that depends on the one asked about, directly or not."""

    key = serializers.CharField(source="item.key", read_only=True)
    name = serializers.CharField(source="item.name", read_only=True)
    kind = serializers.CharField(read_only=True, help_text="`service`, or the component's kind.")
    team = serializers.CharField(source="item.team.key", read_only=True)
    distance = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="Steps; null beyond 64."
    )
    strength = serializers.CharField(
        read_only=True, help_text="Of the strongest of the shortest ways: its weakest edge."
    )


class RadiusOut(serializers.Serializer[Any]):
    """Everything that a failure of the item reaches, near first, each once."""

    dependants = ReachedOut(many=True, read_only=True)
    needs = ReachedOut(many=True, read_only=True)


class ComponentFilters(django_filters.FilterSet):
    """By owner, kind, domain and status."""

    team = django_filters.CharFilter(field_name="team__key")
    kind = django_filters.MultipleChoiceFilter(choices=ComponentKind.choices)
    domain = django_filters.MultipleChoiceFilter(choices=Domain.choices)
    status = django_filters.MultipleChoiceFilter(choices=ComponentStatus.choices)
    out_of_bounds = django_filters.BooleanFilter(method="by_bounds")

    class Meta:
        model = Component
        fields: list[str] = []

    def by_bounds(self, rows: Any, name: str, value: bool) -> QuerySet[Component]:
        """Those owned by a team of another domain than the boundaries say, or the others."""
        outside = operations.out_of_bounds(rows)
        return outside if value else rows.exclude(pk__in=outside.values("pk"))


class RadiusActions:
    """For what stands in the dependency graph: what its failure reaches, and what it needs."""

    @extend_schema(responses=RadiusOut)
    @action(detail=True, methods=["get"], url_path="blast-radius", filter_backends=[])
    def blast_radius(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What a failure of it reaches, and what it needs itself; of what the caller may see."""
        row, user = self.get_object(), cast("User", request.user)
        found = {
            "dependants": operations.blast_radius(row, user),
            "needs": operations.needed_by(row, user),
        }
        return Response(RadiusOut(found).data)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR}, filters=False)
    @action(
        detail=True, methods=["get"], url_path="blast-radius/csv", url_name="blast-radius-csv",
        filter_backends=[], pagination_class=None,
    )  # fmt: skip
    def blast_radius_csv(self: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """What a failure of it reaches, of what the caller may see, as CSV."""
        return radius_as_csv(self.get_object(), cast("User", request.user))


RADIUS_PERMISSIONS = dict.fromkeys(("blast_radius", "blast_radius_csv"), VIEW)


class ComponentViewSet(RadiusActions, Creates, Edits, Histories, Resource[Component]):
    """Components, by key."""

    model = Component
    out = ComponentOut
    lookup_field = "key"
    inputs = {"create": ComponentIn, "partial_update": ComponentEditIn}
    filterset_class = ComponentFilters
    create_in = "team"
    derived = True
    action_permissions = {
        **dict.fromkeys(("list", "retrieve", "history"), VIEW),
        **RADIUS_PERMISSIONS,
        "create": "add_component",
        "partial_update": "edit",
    }

    def shown(self, rows: QuerySet[Component]) -> QuerySet[Component]:
        """With the team, and the domain that should be its own."""
        return operations.with_rightful_domain(rows.select_related("team"))

    def perform_create(self, data: dict[str, Any], actor: User) -> Component:
        """Enter it."""
        return operations.with_bounds(operations.create_component(actor=actor, **data))

    def perform_edit(self, row: Component, data: dict[str, Any], actor: User) -> Component:
        """The version was compared already."""
        reason = data.pop("reason", "")
        edited = operations.edit_component(row, actor=actor, changes=data, reason=reason)
        return operations.with_bounds(edited)


class GraphedServiceViewSet(RadiusActions, ServiceViewSet):
    """Services, by key, with their place in the dependency graph."""

    action_permissions = {**ServiceViewSet.action_permissions, **RADIUS_PERMISSIONS}


class DependencyOut(serializers.ModelSerializer[Dependency]):
    """One dependency: the source needs the target."""

    source = serializers.CharField(  # type: ignore[assignment]  # the name is the domain's
        source="source.key", read_only=True
    )
    source_kind = serializers.SerializerMethodField()
    target = serializers.CharField(source="target.key", read_only=True)
    target_kind = serializers.SerializerMethodField()
    responsible_team = serializers.CharField(source="target.team.key", read_only=True)
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = Dependency
        fields = read_only_fields = (
            *("id", "source", "source_kind", "target", "target_kind", "strength", "note"),
            *("responsible_team", "verified_at", "stale_since", "version"),
        )

    def get_source_kind(self, row: Dependency) -> str:
        """`service`, or the component's kind."""
        return kind_of(row.source)

    def get_target_kind(self, row: Dependency) -> str:
        """`service`, or the component's kind."""
        return kind_of(row.target)


class DependencyIn(Input):
    """The source needs the target; name a service or a component for each."""

    source_service = Ref(Service, "key", required=False, allow_null=True)
    source_component = Ref(Component, "key", required=False, allow_null=True)
    target_service = Ref(Service, "key", required=False, allow_null=True)
    target_component = Ref(Component, "key", required=False, allow_null=True)
    strength = serializers.ChoiceField(choices=Strength.choices)
    note = serializers.CharField(required=False, allow_blank=True, max_length=200)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class DependencyEditIn(Input):
    """What can be changed; the ends stay."""

    strength = serializers.ChoiceField(choices=Strength.choices)
    note = serializers.CharField(allow_blank=True, max_length=200)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class WhyIn(Input):
    """Why, for the history."""

    reason = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class DependencyFilters(django_filters.FilterSet):
    """By either end, strength, and whether it is flagged as stale."""

    source = django_filters.CharFilter(method="by_end")
    target = django_filters.CharFilter(method="by_end")
    strength = django_filters.MultipleChoiceFilter(choices=Strength.choices)
    stale = django_filters.BooleanFilter(
        field_name="stale_since", lookup_expr="isnull", exclude=True
    )

    class Meta:
        model = Dependency
        fields: list[str] = []

    def by_end(self, rows: QuerySet[Dependency], name: str, value: str) -> QuerySet[Dependency]:
        """By the key of the service or component."""
        service, component = f"{name}_service__key", f"{name}_component__key"
        return rows.filter(Q(**{service: value}) | Q(**{component: value}))


class DependencyViewSet(Creates, Edits, Histories, Resource[Dependency]):
    """Dependencies, by number."""

    model = Dependency
    out = DependencyOut
    lookup_value_regex = "[0-9]+"
    inputs = {"create": DependencyIn, "partial_update": DependencyEditIn}
    filterset_class = DependencyFilters
    action_permissions = {
        **dict.fromkeys(("list", "retrieve", "history"), VIEW),
        **dict.fromkeys(("create", "matrix"), OPEN),
        "partial_update": "edit",
        "verify": "verify",
        "remove": "remove",
    }

    def shown(self, rows: QuerySet[Dependency]) -> QuerySet[Dependency]:
        """With both ends."""
        return rows.with_ends()  # type: ignore[attr-defined, no-any-return]  # DependencyQuerySet

    def perform_create(self, data: dict[str, Any], actor: User) -> Dependency:
        """Whoever manages the dependant says what it needs."""
        source, target = _end(data, "source"), _end(data, "target")
        require(actor, "add_dependency", source)
        return operations.add_dependency(source, target, actor=actor, **data)

    def perform_edit(self, row: Dependency, data: dict[str, Any], actor: User) -> Dependency:
        """The version was compared already."""
        reason = data.pop("reason", "")
        return operations.edit_dependency(row, actor=actor, changes=data, reason=reason)

    @verb(WhyIn)
    def verify(self, row: Dependency, data: dict[str, Any], actor: User) -> None:
        """Somebody has looked: it is as it says."""
        operations.verify_dependency(row, actor=actor, **data)

    @verb(WhyIn)
    def remove(self, row: Dependency, data: dict[str, Any], actor: User) -> None:
        """It isn't so any more. The answer is what was removed."""
        key = row.pk
        operations.remove_dependency(row, actor=actor, **data)
        row.pk = key

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR}, filters=False)
    @action(detail=False, methods=["get"], filter_backends=[], pagination_class=None)
    def matrix(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """Every dependency that the caller may see, with the team responsible, as CSV."""
        return matrix_as_csv(cast("User", request.user))


def _end(data: dict[str, Any], name: str) -> Item:
    service = data.pop(f"{name}_service", None)
    component = data.pop(f"{name}_component", None)
    if (service is None) == (component is None):
        raise Invalid("Name a service or a component.", field=f"{name}_service")
    found: Item = service or component
    return found
