"""A form field for each type of setting: nobody types JSON."""

from functools import singledispatch
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
)

from config.governance.registry import (
    SEVERITIES,
    BySeverity,
    Choice,
    Integer,
    ListOf,
    Setting,
    SettingType,
)


def field_of(setting: Setting) -> forms.Field:
    """The field in which a value of the setting is entered."""
    field = _field(setting.type)
    field.label, field.help_text = setting.title, setting.help
    return field


@singledispatch
def _field(kind: SettingType) -> forms.Field:
    raise TypeError(f"no form field for {type(kind).__name__}")


@_field.register
def _integer(kind: Integer) -> forms.Field:
    return forms.IntegerField(
        min_value=kind.least,
        max_value=kind.most,
        widget=UnfoldAdminIntegerFieldWidget,
        label=kind.unit.capitalize(),
    )


@_field.register
def _list(kind: ListOf) -> forms.Field:
    return forms.MultipleChoiceField(
        choices=[(option, option) for option in kind.options],
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )


@_field.register
def _choice(kind: Choice) -> forms.Field:
    return forms.ChoiceField(choices=kind.options, widget=UnfoldAdminSelectWidget)


class SeverityWidget(forms.MultiWidget):
    """Four numbers, each named by its severity for those who can't see the order."""

    template_name = "governance/by_severity.html"

    def __init__(self, attrs: Any = None) -> None:
        widgets = {
            name: UnfoldAdminIntegerFieldWidget(attrs={"aria-label": name}) for name in SEVERITIES
        }
        super().__init__(widgets, attrs)

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """Each number with its severity."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        for severity, part in zip(SEVERITIES, context["widget"]["subwidgets"], strict=True):
            part["severity"] = severity
        return context

    def decompress(self, value: Any) -> list[Any]:
        """From the stored form."""
        return [(value or {}).get(name) for name in SEVERITIES]


class SeverityField(forms.MultiValueField):
    """A number for each severity."""

    widget = SeverityWidget

    def __init__(self, each: Integer, **kwargs: Any) -> None:
        fields = tuple(
            forms.IntegerField(min_value=each.least, max_value=each.most) for _ in SEVERITIES
        )
        super().__init__(fields, require_all_fields=True, **kwargs)

    def compress(self, data_list: Any) -> dict[str, int]:
        """Into the stored form."""
        return dict(zip(SEVERITIES, data_list, strict=True))


@_field.register
def _by_severity(kind: BySeverity) -> forms.Field:
    return SeverityField(kind.each)
