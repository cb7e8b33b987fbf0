"""Conditions over the API: the tree as a field of other inputs, and what it may speak of."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.conditions.attributes import Attribute, attributes_of
from config.conditions.forms import MOST_OPTIONS
from config.conditions.kinds import Choice, Operator
from config.conditions.rules import ALWAYS, describe, read
from config.errors import Invalid


class ConditionShape(serializers.Serializer[Any]):
    """One comparison. `/api/v1/condition-fields/` lists fields with operators and values."""

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


class OptionOut(serializers.Serializer[Any]):
    """One value that a field may take."""

    value = serializers.CharField(read_only=True)
    text = serializers.CharField(read_only=True)


class ConditionFieldOut(serializers.Serializer[Attribute]):
    """An attribute of a subject, with its operators and, where they are few, its values."""

    field = serializers.CharField(source="name", read_only=True)
    title = serializers.CharField(read_only=True)
    hint = serializers.CharField(source="help", read_only=True)
    kind = serializers.SerializerMethodField()
    operators = serializers.SerializerMethodField()
    options = serializers.SerializerMethodField()

    def get_kind(self, attribute: Attribute) -> str:
        """number, choice, several, flag or text."""
        return type(attribute.kind).__name__.lower()

    def get_operators(self, attribute: Attribute) -> list[str]:
        """Their names."""
        return [each.value for each in attribute.kind.operators]

    @extend_schema_field(OptionOut(many=True))
    def get_options(self, attribute: Attribute) -> list[dict[str, str]]:
        """Empty where any value goes, or where there are too many to list."""
        kind = attribute.kind
        found = list(kind.choices().items()) if isinstance(kind, Choice) else []
        listed = found if len(found) <= MOST_OPTIONS else []
        return [{"value": value, "text": label} for value, label in listed]


def fields_of(subject: str) -> list[Attribute]:
    """The attributes of a subject, in the order of their registration."""
    return list(attributes_of(subject).values())


def sentence(subject: str, stored: Any) -> str:
    """A stored tree in words, for answers that explain."""
    return describe(subject, read(subject, stored or ALWAYS))
