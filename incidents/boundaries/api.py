"""`/api/v1/boundaries/`, and the shape in which an incident tells who answers by them."""

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
from config.organisation.rules import Domain
from incidents.boundaries.models import BoundaryRule, BoundaryVersion
from incidents.boundaries.operations import BOUNDARY_KEY, BOUNDARY_TITLE, boundaries_of
from incidents.boundaries.rules import ComponentKind, Layer


class BoundaryRuleOut(serializers.ModelSerializer[BoundaryRule]):
    """Which domain answers for a layer of a kind of component."""

    class Meta:
        model = BoundaryRule
        fields = read_only_fields = ("line", "kind", "layer", "domain", "note")


class BoundaryRuleIn(Input):
    """Which domain answers; `line` names the row across versions."""

    line = serializers.SlugField(max_length=40, required=False)
    kind = serializers.ChoiceField(choices=ComponentKind.choices)
    layer = serializers.ChoiceField(choices=Layer.choices)
    domain = serializers.ChoiceField(choices=Domain.choices)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)


class BoundaryOut(VersionOut):
    """A version of the boundaries."""

    rules = BoundaryRuleOut(many=True, read_only=True)

    class Meta(VersionOut.Meta):
        model = BoundaryVersion
        fields = (*VERSION_FIELDS, "rules")
        read_only_fields = fields


class BoundaryIn(DraftIn):
    """A draft of the enterprise's or of a unit's own; it begins with what is in force."""

    key = serializers.ChoiceField(choices=[BOUNDARY_KEY], default=BOUNDARY_KEY)  # type: ignore[assignment]  # one key
    title = serializers.CharField(max_length=200, default=BOUNDARY_TITLE)
    rules = serializers.ListField(child=BoundaryRuleIn(), required=False, max_length=100)


class BoundaryViewSet(PolicyVersionViewSet[BoundaryVersion]):
    """Ownership boundaries: which domain answers for which layer of a component."""

    model = BoundaryVersion
    out = BoundaryOut
    inputs = version_inputs(BoundaryIn)


class AnsweringOut(serializers.Serializer[Any]):
    """One layer of the component, and who answers for it."""

    layer = serializers.ChoiceField(source="rule.layer", choices=Layer.choices, read_only=True)
    own = serializers.BooleanField(
        source="rule.is_own", read_only=True, help_text="What the component is in the first place."
    )
    domain = serializers.ChoiceField(source="rule.domain", choices=Domain.choices, read_only=True)
    team = serializers.CharField(
        source="team.key", read_only=True, allow_null=True, default=None,
        help_text="The owner, where it is of the domain; else the nearest team that is.",
    )  # fmt: skip
    why = serializers.CharField(read_only=True, help_text="By which row, and why this team.")


class ComponentBoundariesOut(serializers.Serializer[Any]):
    """Who answers for the affected component, by the boundaries in force."""

    component = serializers.CharField(
        read_only=True, allow_null=True, help_text="Null: the incident names none."
    )
    boundaries = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="The version, below /api/v1/boundaries/."
    )
    owner = serializers.CharField(read_only=True, allow_null=True, help_text="Key of the team.")
    owner_domain = serializers.CharField(read_only=True)
    out_of_bounds = serializers.BooleanField(
        read_only=True, help_text="Owned by a team of another domain than the rule says."
    )
    answers = AnsweringOut(many=True, read_only=True)


def answering(component: Any) -> dict[str, Any]:
    """The boundaries of a component, or of none, as `ComponentBoundariesOut` takes them."""
    if component is None:
        nothing = {"component": None, "boundaries": None, "owner": None, "owner_domain": ""}
        return {**nothing, "out_of_bounds": False, "answers": []}
    found = boundaries_of(component.kind, component.team)
    return {
        "component": component.key,
        "boundaries": found.version.pk if found.version else None,
        "owner": found.owner.key,
        "owner_domain": found.owner.domain,
        "out_of_bounds": found.is_out_of_bounds,
        "answers": found.answers,
    }
