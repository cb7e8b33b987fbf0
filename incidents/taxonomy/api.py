"""`/api/v1/severity-tables/`: versions of the severity matrix."""

from typing import Any

from rest_framework import serializers

from config.access.rules import Role
from config.apikit.serializers import Input
from config.conditions.api import ConditionsField, sentence
from config.governance.api import (
    VERSION_FIELDS,
    DraftIn,
    PolicyVersionViewSet,
    VersionOut,
    version_inputs,
)
from incidents.taxonomy.impact import SUBJECT
from incidents.taxonomy.models import (
    Engagement,
    ImpactRule,
    Level,
    Severity,
    SeverityCell,
    SeverityTableVersion,
)
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


class ImpactRuleOut(serializers.ModelSerializer[ImpactRule]):
    """One rule; the first that matches decides."""

    conditions = ConditionsField(subject=SUBJECT, read_only=True)
    when = serializers.SerializerMethodField(help_text="The conditions in one sentence.")

    class Meta:
        model = ImpactRule
        fields = read_only_fields = ("line", "position", "severity", "conditions", "when", "note")

    def get_when(self, rule: ImpactRule) -> str:
        """In words."""
        return sentence(SUBJECT, rule.conditions)


class ImpactRuleIn(Input):
    """One rule. A `line` that is known keeps its identity across versions."""

    line = serializers.SlugField(max_length=40, required=False)
    position = serializers.IntegerField(min_value=0, max_value=32_767)
    severity = serializers.ChoiceField(choices=Severity.choices)
    conditions = ConditionsField(subject=SUBJECT)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)


class EngagementOut(serializers.ModelSerializer[Engagement]):
    """What a severity sets off."""

    roles = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Engagement
        fields = read_only_fields = (
            *("severity", "roles", "has_war_room", "communication_plan", "escalation_policy"),
            *("sla_target_minutes", "penalty_clause"),
        )


class EngagementIn(Input):
    """What a severity sets off; the severity is its identity."""

    severity = serializers.ChoiceField(choices=Severity.choices)
    roles = serializers.ListField(
        child=serializers.ChoiceField(choices=Role.choices), required=False, max_length=30
    )
    has_war_room = serializers.BooleanField(required=False)
    communication_plan = serializers.SlugField(max_length=60, required=False, allow_blank=True)
    escalation_policy = serializers.SlugField(max_length=100, required=False, allow_blank=True)
    sla_target_minutes = serializers.IntegerField(
        min_value=1, max_value=5_256_000, required=False, allow_null=True
    )
    penalty_clause = serializers.CharField(max_length=120, required=False, allow_blank=True)


class SeverityTableOut(VersionOut):
    """A version of the matrix."""

    rules = ImpactRuleOut(many=True, read_only=True)
    cells = CellOut(many=True, read_only=True)
    engagements = EngagementOut(many=True, read_only=True)

    class Meta(VersionOut.Meta):
        model = SeverityTableVersion
        fields = (*VERSION_FIELDS, "rules", "cells", "engagements")
        read_only_fields = fields


class SeverityTableIn(DraftIn):
    """A draft of the enterprise's matrix or of a unit's own; it begins with what is in force."""

    key = serializers.ChoiceField(choices=[TABLE_KEY], default=TABLE_KEY)  # type: ignore[assignment]  # one key
    title = serializers.CharField(max_length=200, default=TABLE_TITLE)
    rules = serializers.ListField(child=ImpactRuleIn(), required=False, max_length=200)
    cells = serializers.ListField(child=CellIn(), required=False, max_length=100)
    engagements = serializers.ListField(child=EngagementIn(), required=False, max_length=4)

    def validate_cells(self, cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Each cell keeps its line across versions."""
        return [{"line": line_of(cell["level"], cell["tier"]), **cell} for cell in cells]

    def validate_engagements(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """A severity keeps its line across versions."""
        return [{"line": row["severity"].lower(), **row} for row in rows]


class SeverityTableViewSet(PolicyVersionViewSet[SeverityTableVersion]):
    """The severity matrix."""

    model = SeverityTableVersion
    out = SeverityTableOut
    inputs = version_inputs(SeverityTableIn)
