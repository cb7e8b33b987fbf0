"""`/api/v1/catalogue-imports/`: files of the catalogue, previewed and applied."""

from typing import Any

import django_filters
from rest_framework import serializers

from config.apikit.serializers import Input
from config.apikit.views import OPEN, VIEW, Creates, Histories, Resource, verb
from config.organisation.models import User
from incidents.importing import operations
from incidents.importing.models import CatalogueImport
from incidents.importing.rules import MOST_CHARACTERS, Format, ImportState, What
from incidents.importing.taking import Outcome


class RowErrorOut(serializers.Serializer[Any]):
    """What is wrong with a row, and in which column, where it is one."""

    column = serializers.CharField(read_only=True)
    text = serializers.CharField(read_only=True)


class RowOut(serializers.Serializer[Any]):
    """What becomes of one row."""

    row = serializers.IntegerField(read_only=True)
    about = serializers.CharField(read_only=True)
    outcome = serializers.ChoiceField(
        choices=[(each.value, each.value) for each in Outcome], read_only=True
    )
    errors = RowErrorOut(  # type: ignore[assignment]  # the name is the contract
        many=True, read_only=True
    )


class ImportOut(serializers.ModelSerializer[CatalogueImport]):
    """One file, and what each of its rows does."""

    by = serializers.SlugRelatedField[User](slug_field="username", read_only=True)
    rows = RowOut(many=True, read_only=True)
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = CatalogueImport
        fields = read_only_fields = (
            *("id", "what", "format", "state", "rows", "by", "at", "applied_at", "version"),
        )


class ImportIn(Input):
    """A file as text."""

    what = serializers.ChoiceField(choices=What.choices)
    format = serializers.ChoiceField(choices=Format.choices, default=Format.CSV)
    content = serializers.CharField(max_length=MOST_CHARACTERS, trim_whitespace=False)


class ApplyIn(Input):
    """Nothing but the wish."""


class ImportFilters(django_filters.FilterSet):
    """By what and state."""

    what = django_filters.MultipleChoiceFilter(choices=What.choices)
    state = django_filters.MultipleChoiceFilter(choices=ImportState.choices)

    class Meta:
        model = CatalogueImport
        fields: list[str] = []


class ImportViewSet(Creates, Histories, Resource[CatalogueImport]):
    """Imports: POST previews, `apply` does it. Every row needs the right on what it changes."""

    model = CatalogueImport
    out = ImportOut
    lookup_value_regex = "[0-9]+"
    inputs = {"create": ImportIn}
    filterset_class = ImportFilters
    history_hides = ("content", "rows")
    action_permissions = {
        **dict.fromkeys(("list", "retrieve", "history"), VIEW),
        "create": OPEN,
        "apply": "apply",
    }

    def shown(self, rows: Any) -> Any:
        """With who did it."""
        return rows.select_related("by").defer("content")

    def perform_create(self, data: dict[str, Any], actor: User) -> CatalogueImport:
        """Read it, and say what it would do."""
        return operations.preview(actor=actor, **data)

    @verb(ApplyIn)
    def apply(self, row: CatalogueImport, data: dict[str, Any], actor: User) -> None:
        """Do what it says: all rows, or none."""
        operations.apply(row, actor=actor)
