"""A tree of conditions as a column of a policy's row."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from config.conditions.rules import ALWAYS, describe, read
from config.errors import Invalid


def _always() -> dict[str, Any]:
    return {"match": "all", "groups": []}


class ConditionField(models.JSONField):
    """Conditions about one subject; stored in their clean form, entered with the builder."""

    def __init__(self, *args: Any, subject: str, **kwargs: Any) -> None:
        self.subject = subject
        kwargs.setdefault("default", _always)
        kwargs.setdefault("blank", True)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        """With the subject."""
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "subject": self.subject}

    def clean(self, value: Any, model_instance: Any) -> Any:
        """The clean form, or a field error that says where it is wrong."""
        try:
            return read(self.subject, value or ALWAYS).stored()
        except Invalid as error:
            raise ValidationError(error.detail, code=error.public_code) from error

    def formfield(self, **kwargs: Any) -> Any:
        """What `form_class` makes of the subject: pages name the builder, as models know none."""
        form_class = kwargs.pop("form_class", None)
        if form_class is None:
            return super().formfield(**kwargs)
        label = kwargs.get("label") or str(self.verbose_name).capitalize()
        return form_class(subject=self.subject, label=label, help_text=self.help_text)

    def shown(self, value: Any) -> str:
        """A stored value in one sentence; what can't be read any more says so."""
        try:
            return describe(self.subject, read(self.subject, value or ALWAYS))
        except Invalid as error:
            return f"unreadable ({error.detail})"
