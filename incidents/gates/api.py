"""`/api/v1/intake-templates/`: what incidents must have, by type, channel and stage."""

from typing import Any

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
from incidents.gates.models import (
    AnswerChoice,
    ChannelChoice,
    FieldDemand,
    IntakeTemplateVersion,
    StageChoice,
)
from incidents.gates.operations import SUBJECT, title_of
from incidents.gates.rules import ANY, FIELDS, key_of, place_of


class FieldDemandOut(serializers.ModelSerializer[FieldDemand]):
    """One field that is mandatory from a stage on."""

    options = serializers.ListField(child=serializers.CharField(), read_only=True)
    conditions = ConditionsField(subject=SUBJECT, read_only=True)
    when = serializers.SerializerMethodField(help_text="The conditions in one sentence.")

    class Meta:
        model = FieldDemand
        fields = read_only_fields = (
            *("line", "field", "stage", "answer", "least", "options", "conditions", "when"),
            "hint",
        )

    def get_when(self, demand: FieldDemand) -> str:
        """In words."""
        return sentence(SUBJECT, demand.conditions)


class FieldDemandIn(Input):
    """One mandatory field. A `line` that is known keeps its identity across versions."""

    line = serializers.SlugField(max_length=40, required=False)
    field = serializers.ChoiceField(choices=list(FIELDS.items()))
    stage = serializers.ChoiceField(choices=StageChoice.choices)
    answer = serializers.ChoiceField(choices=AnswerChoice.choices, required=False)
    least = serializers.IntegerField(min_value=1, max_value=32_767, required=False, allow_null=True)
    options = serializers.ListField(
        child=serializers.CharField(max_length=60), required=False, max_length=100
    )
    conditions = ConditionsField(subject=SUBJECT, required=False)
    hint = serializers.CharField(max_length=200, required=False, allow_blank=True)


class IntakeTemplateOut(VersionOut):
    """A version of a template."""

    type = serializers.SerializerMethodField(help_text="The key of a type, or any.")
    channel = serializers.SerializerMethodField(help_text="person, api, alert, import, or any.")
    demands = FieldDemandOut(many=True, read_only=True)

    class Meta(VersionOut.Meta):
        model = IntakeTemplateVersion
        fields = (*VERSION_FIELDS, "type", "channel", "demands")
        read_only_fields = fields

    def get_type(self, version: IntakeTemplateVersion) -> str:
        """From the key."""
        return place_of(version.policy.key)[0]

    def get_channel(self, version: IntakeTemplateVersion) -> str:
        """From the key."""
        return place_of(version.policy.key)[1]


class IntakeTemplateIn(DraftIn):
    """A draft of the template for a type and a channel; it begins with what is in force."""

    key = None  # type: ignore[assignment]  # it follows from type and channel
    title = None  # type: ignore[assignment]  # as above
    type = serializers.SlugField(max_length=60, default=ANY)
    channel = serializers.ChoiceField(choices=ChannelChoice.choices, default=ANY)
    demands = serializers.ListField(child=FieldDemandIn(), required=False, max_length=200)


class TemplateCreateIn(IntakeTemplateIn):
    """With the key that type and channel make."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """As the policy wants it."""
        key = key_of(attrs.pop("type"), attrs.pop("channel"))
        return {**attrs, "key": key, "title": title_of(key)}


class IntakeTemplateViewSet(PolicyVersionViewSet[IntakeTemplateVersion]):
    """Intake templates."""

    model = IntakeTemplateVersion
    out = IntakeTemplateOut
    inputs = {
        **version_inputs(IntakeTemplateIn),
        "create": TemplateCreateIn,
        "partial_update": type(
            "IntakeTemplateInEdit",
            (IntakeTemplateIn,),
            dict.fromkeys(("key", "unit", "title", "type", "channel")),
        ),
    }
