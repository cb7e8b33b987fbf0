"""`/api/v1/scope-rules/`: versions of the scope rule."""

from rest_framework import serializers

from config.apikit.serializers import Input
from config.conditions.api import ConditionsField, sentence
from config.governance.api import (
    VERSION_FIELDS,
    DraftIn,
    PolicyVersionViewSet,
    VersionOut,
    version_inputs,
)
from incidents.scoping.models import ScopeRule, ScopeRuleVersion
from incidents.scoping.operations import RULE_KEY, RULE_TITLE
from incidents.scoping.rules import SUBJECT


class ScopeRuleOut(serializers.ModelSerializer[ScopeRule]):
    """One rule; the first that matches decides."""

    conditions = ConditionsField(subject=SUBJECT, read_only=True)
    when = serializers.SerializerMethodField(help_text="The conditions in one sentence.")

    class Meta:
        model = ScopeRule
        fields = read_only_fields = (
            *("line", "position", "in_scope", "sla_reportable", "conditions", "when", "note"),
        )

    def get_when(self, rule: ScopeRule) -> str:
        """In words."""
        return sentence(SUBJECT, rule.conditions)


class ScopeRuleIn(Input):
    """One rule. A `line` that is known keeps its identity across versions."""

    line = serializers.SlugField(max_length=40, required=False)
    position = serializers.IntegerField(min_value=0, max_value=32_767)
    in_scope = serializers.BooleanField()
    sla_reportable = serializers.BooleanField(default=False)
    conditions = ConditionsField(subject=SUBJECT)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)


class ScopeVersionOut(VersionOut):
    """A version of the rule."""

    rules = ScopeRuleOut(many=True, read_only=True)

    class Meta(VersionOut.Meta):
        model = ScopeRuleVersion
        fields = (*VERSION_FIELDS, "rules")
        read_only_fields = fields


class ScopeVersionIn(DraftIn):
    """A draft of the enterprise's rule or of a unit's own; it begins with what is in force."""

    key = serializers.ChoiceField(choices=[RULE_KEY], default=RULE_KEY)  # type: ignore[assignment]  # one key
    title = serializers.CharField(max_length=200, default=RULE_TITLE)
    rules = serializers.ListField(child=ScopeRuleIn(), required=False, max_length=200)


class ScopeRuleViewSet(PolicyVersionViewSet[ScopeRuleVersion]):
    """The scope rule."""

    model = ScopeRuleVersion
    out = ScopeVersionOut
    inputs = version_inputs(ScopeVersionIn)
