"""`/api/v1/severity-tables/`: versions of the table level x tier -> severity."""

from typing import Any

from rest_framework import serializers

from config.apikit.serializers import Input
from config.governance.api import (
    VERSION_FIELDS,
    DraftIn,
    PolicyVersionViewSet,
    VersionOut,
    version_inputs,
)
from incidents.taxonomy.models import Level, Severity, SeverityCell, SeverityTableVersion
from incidents.taxonomy.operations import TABLE_KEY, TABLE_TITLE
from incidents.taxonomy.rules import TIERS, line_of


class CellOut(serializers.ModelSerializer[SeverityCell]):
    """One cell."""

    class Meta:
        model = SeverityCell
        fields = read_only_fields = ("level", "tier", "severity")


class CellIn(Input):
    """One cell; level and tier are its identity."""

    level = serializers.ChoiceField(choices=Level.choices)
    tier = serializers.ChoiceField(choices=TIERS)
    severity = serializers.ChoiceField(choices=Severity.choices)


class SeverityTableOut(VersionOut):
    """A version of the table."""

    cells = CellOut(many=True, read_only=True)

    class Meta(VersionOut.Meta):
        model = SeverityTableVersion
        fields = (*VERSION_FIELDS, "cells")
        read_only_fields = fields


class SeverityTableIn(DraftIn):
    """A draft of the enterprise's table or of a unit's own; it begins with the cells in force."""

    key = serializers.ChoiceField(choices=[TABLE_KEY], default=TABLE_KEY)  # type: ignore[assignment]  # one key
    title = serializers.CharField(max_length=200, default=TABLE_TITLE)
    cells = serializers.ListField(child=CellIn(), required=False, max_length=100)

    def validate_cells(self, cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Each cell keeps its line across versions."""
        return [{"line": line_of(cell["level"], cell["tier"]), **cell} for cell in cells]


class SeverityTableViewSet(PolicyVersionViewSet[SeverityTableVersion]):
    """The severity table."""

    model = SeverityTableVersion
    out = SeverityTableOut
    inputs = version_inputs(SeverityTableIn)
