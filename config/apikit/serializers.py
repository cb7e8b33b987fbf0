"""Inputs that refuse what they don't know, and references that only reach visible rows."""

from typing import Any

from django.db import models
from rest_framework import serializers
from rest_framework.fields import empty

MISSPELT = "There is no such field here. See /api/docs/ for the fields of this request."


class Input(serializers.Serializer[Any]):
    """The arguments of one operation. A field that it doesn't have is an error, not ignored."""

    def to_internal_value(self, data: Any) -> Any:
        """Refuse unknown fields first: a misspelt one would be lost silently.

        And numbers for texts: the library would take 5 for "5", against the document.
        """
        if isinstance(data, dict):
            self._refuse_numbers_for_texts(data)
            unknown = [str(name) for name in data if name not in self.fields]
            if unknown:
                raise serializers.ValidationError(
                    {name: [serializers.ErrorDetail(MISSPELT, "unknown_field")] for name in unknown}
                )
        return super().to_internal_value(data)

    def _refuse_numbers_for_texts(self, data: dict[str, Any]) -> None:
        wrong = [
            str(name)
            for name, value in data.items()
            if isinstance(value, int | float)
            and type(self.fields.get(name)) is serializers.CharField
        ]
        if wrong:
            text = serializers.ErrorDetail("Enter a text, in quotation marks.", "invalid")
            raise serializers.ValidationError({name: [text] for name in wrong})


class ReasonIn(Input):
    """Why: the whole input of many verbs."""

    reason = serializers.CharField(max_length=2000)


class Ref(serializers.SlugRelatedField[Any]):
    """Names another row by key, `Ref(Team, "key")`; what the caller may not see doesn't exist."""

    default_error_messages = {
        "does_not_exist": "There is no such {slug_name} that you may see: '{value}'."
    }

    def __init__(self, model: type[models.Model], slug_field: str = "key", **kwargs: Any) -> None:
        self.model = model
        super().__init__(slug_field=slug_field, queryset=model._default_manager.none(), **kwargs)

    def __deepcopy__(self, memo: Any) -> "Ref":
        """DRF copies declared fields with the arguments they were made of."""
        kept: Any = self  # DRF's fields keep their arguments, its stubs don't say so
        return type(self)(*kept._args, **kept._kwargs)

    def get_queryset(self) -> Any:
        """The rows behind the model's one door."""
        manager: Any = self.model._default_manager
        return manager.visible_to(self.context["request"].user)

    def run_validation(self, data: Any = empty) -> Any:
        """An empty name is none; whoever means nothing sends null (DRF would take it for null)."""
        if data == "":
            self.fail("does_not_exist", slug_name=self.slug_field, value="")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> Any:
        """A name is text or a number; anything else can't be looked up."""
        if isinstance(data, bool) or not isinstance(data, (str, int)) or "\0" in str(data):
            self.fail("invalid")
        return super().to_internal_value(data)
