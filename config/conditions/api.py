"""Conditions over the API: the tree as a field of other inputs."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.conditions.kinds import Operator
from config.conditions.rules import ALWAYS, describe, read
from config.errors import Invalid


class ConditionShape(serializers.Serializer[Any]):
    """One comparison."""

    field = serializers.CharField()
    operator = serializers.ChoiceField(choices=[(each.value, each.value) for each in Operator])
    value = serializers.JSONField(required=False, allow_null=True)


class GroupShape(serializers.Serializer[Any]):
    """Conditions of which all, or any, must hold."""

    match = serializers.ChoiceField(choices=["all", "any"], default="all")
    conditions = ConditionShape(many=True)


class TreeShape(serializers.Serializer[Any]):
    """Groups of which all, or any, must hold; without groups it always matches."""

    match = serializers.ChoiceField(choices=["all", "any"], default="all")
    groups = GroupShape(many=True)


@extend_schema_field(TreeShape)
class ConditionsField(serializers.Field[Any, Any, Any, Any]):
    """A tree about one subject: read into its clean form, shown as it is stored."""

    def __init__(self, *, subject: str, **kwargs: Any) -> None:
        self.subject = subject
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """The clean form, or an error that names group and condition."""
        try:
            return read(self.subject, data or ALWAYS).stored()
        except Invalid as error:
            raise serializers.ValidationError(error.detail, code=error.public_code) from error

    def to_representation(self, value: Any) -> Any:
        """As stored."""
        return value


def sentence(subject: str, stored: Any) -> str:
    """A stored tree in words, for answers that explain."""
    return describe(subject, read(subject, stored or ALWAYS))
