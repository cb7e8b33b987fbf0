"""`/api/v1/taxonomies/`: versions of the tree; `/api/v1/taxonomy-values/`: what records name."""

from functools import cached_property
from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.apikit.serializers import Input
from config.apikit.views import VIEW, Resource
from config.governance.api import (
    VERSION_FIELDS,
    DraftIn,
    PolicyVersionViewSet,
    VersionOut,
    version_inputs,
)
from incidents.terms.models import TaxonomyEntry, TaxonomyValue, TaxonomyVersion, ValueKind
from incidents.terms.operations import TAXONOMY_KEY, TAXONOMY_TITLE, tree_for
from incidents.terms.rules import COMPONENT_KINDS, Kind, Tree, name_of


@extend_schema_field(OpenApiTypes.STR)
class TermField(serializers.Field[Any, Any, Any, Any]):
    """Names a value of one kind by its key; whether it is offered, the operation asks."""

    default_error_messages = {
        "invalid": "Give the key of a value.",
        "does_not_exist": "There is no such value: '{value}'.",
    }

    def __init__(self, kind: Kind, **kwargs: Any) -> None:
        self.kind = kind
        super().__init__(**kwargs)

    def __deepcopy__(self, memo: Any) -> "TermField":
        """DRF copies declared fields with the arguments they were made of."""
        kept: Any = self
        return type(self)(*kept._args, **kept._kwargs)

    def to_internal_value(self, data: Any) -> TaxonomyValue:
        """By key, among what the caller may see."""
        if not isinstance(data, str) or "\0" in data:
            self.fail("invalid")
        rows = TaxonomyValue.objects.visible_to(self.context["request"].user)
        found: TaxonomyValue | None = rows.named(self.kind, data)
        if found is None:
            self.fail("does_not_exist", value=data)
        return found

    def to_representation(self, value: TaxonomyValue) -> str:
        """The key."""
        return str(value.key)


class TaxonomyEntryOut(serializers.ModelSerializer[TaxonomyEntry]):
    """One value as a version says it."""

    component_kinds = serializers.ListField(child=serializers.CharField(), read_only=True)
    default_tags = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = TaxonomyEntry
        fields = read_only_fields = (
            *("kind", "key", "label", "parent", "is_retired", "component_kinds", "default_tags"),
        )


class TaxonomyEntryIn(Input):
    """One value; kind and key are its identity."""

    kind = serializers.ChoiceField(choices=ValueKind.choices)
    key = serializers.SlugField(max_length=60)
    label = serializers.CharField(max_length=80)  # type: ignore[assignment]  # the name is the contract
    parent = serializers.CharField(  # type: ignore[assignment]  # the name is the contract
        max_length=80, required=False, allow_blank=True, help_text="kind:key"
    )
    is_retired = serializers.BooleanField(required=False)
    component_kinds = serializers.ListField(
        child=serializers.ChoiceField(choices=COMPONENT_KINDS), required=False, max_length=10
    )
    default_tags = serializers.ListField(
        child=serializers.SlugField(max_length=60), required=False, max_length=20
    )


class TaxonomyOut(VersionOut):
    """A version of the tree."""

    entries = TaxonomyEntryOut(many=True, read_only=True)

    class Meta(VersionOut.Meta):
        model = TaxonomyVersion
        fields = (*VERSION_FIELDS, "entries")
        read_only_fields = fields


class TaxonomyIn(DraftIn):
    """A draft of the enterprise's tree, or of what a unit adds; it begins with what is in force."""

    key = serializers.ChoiceField(choices=[TAXONOMY_KEY], default=TAXONOMY_KEY)  # type: ignore[assignment]  # one key
    title = serializers.CharField(max_length=200, default=TAXONOMY_TITLE)
    entries = serializers.ListField(child=TaxonomyEntryIn(), required=False, max_length=1000)

    def validate_entries(self, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Each value keeps its line across versions."""
        return [{"line": name_of(row["kind"], row["key"]), **row} for row in entries]


class TaxonomyViewSet(PolicyVersionViewSet[TaxonomyVersion]):
    """The taxonomy."""

    model = TaxonomyVersion
    out = TaxonomyOut
    inputs = version_inputs(TaxonomyIn)


class TaxonomyValueOut(serializers.ModelSerializer[TaxonomyValue]):
    """A value that records may name, or did once."""

    label = serializers.CharField(read_only=True)  # type: ignore[assignment]  # the name is the contract
    unit = serializers.SlugRelatedField[Any](slug_field="key", read_only=True, allow_null=True)
    parent = serializers.CharField(  # type: ignore[assignment]  # the name is the contract
        source="parent.name", read_only=True, allow_null=True, default=None
    )
    retired = serializers.SerializerMethodField(
        help_text="Not offered for new records; old ones go on showing it."
    )
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = TaxonomyValue
        fields = read_only_fields = (
            *("id", "kind", "key", "label", "parent", "unit", "retired", "version"),
        )

    def get_retired(self, value: TaxonomyValue) -> bool:
        """By the version in force for the unit that has it."""
        tree: Tree = self.context["view"].tree_of(value)
        term = tree.find(value.kind, value.key)
        return term is None or not tree.is_offered(term)


class ValueFilters(django_filters.FilterSet):
    """By kind, key and unit."""

    kind = django_filters.ChoiceFilter(choices=ValueKind.choices)
    key = django_filters.CharFilter()
    unit = django_filters.CharFilter(field_name="unit__key")


class ValueViewSet(Resource[TaxonomyValue]):
    """The values of the taxonomy, also those that are retired."""

    model = TaxonomyValue
    out = TaxonomyValueOut
    derived = True
    filterset_class = ValueFilters
    lookup_value_regex = "[0-9]+"
    action_permissions = dict.fromkeys(("list", "retrieve"), VIEW)

    def shown(self, rows: QuerySet[TaxonomyValue]) -> QuerySet[TaxonomyValue]:
        """With unit and parent."""
        return rows.select_related("unit", "parent")

    @cached_property
    def _trees(self) -> dict[int | None, Tree]:
        return {}

    def tree_of(self, value: TaxonomyValue) -> Tree:
        """What holds where the value is at home, read once for all rows of the answer."""
        if value.unit_id not in self._trees:
            self._trees[value.unit_id] = tree_for(value.unit)
        return self._trees[value.unit_id]
