"""The builder: rows of dropdowns in groups. Works without scripts, which only add and remove rows.

Names of a row's controls: `<name>-<group>-<row>-field`, `-operator`, `-value` (several for lists).
A row whose field is empty doesn't count; there is always one to spare.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from config.conditions.attributes import Attribute, attributes_of
from config.conditions.kinds import (
    TAKING_LIST,
    WITHOUT_VALUE,
    WORDS,
    Choice,
    Flag,
    Kind,
    Number,
)
from config.conditions.rules import (
    ALWAYS,
    MOST_CONDITIONS,
    MOST_GROUPS,
    read,
)
from config.errors import Invalid

# A longer list is typed, and checked when it is saved: a page can't carry every service.
MOST_OPTIONS = 200
MOST_DIGITS = 2
MOST_LINES = 6
MATCHES = (("all", "all of these"), ("any", "any of these"))
_FLAGS = (("true", "yes"), ("false", "no"))


@dataclass(frozen=True)
class Row:
    """One condition on the page."""

    field: SafeString
    operator: SafeString
    value: SafeString
    label: str


@dataclass(frozen=True)
class Box:
    """One group on the page."""

    number: int
    match: SafeString
    rows: list[Row]


class BuilderWidget(forms.Widget):
    """The rows of a tree, with one group and one row of each group to spare."""

    template_name = "conditions/builder.html"
    use_fieldset = True

    def __init__(self, subject: str, attrs: Any = None) -> None:
        super().__init__(attrs)
        self.subject = subject

    @property
    def media(self) -> forms.Media:
        """What adds and removes rows."""
        return forms.Media(js=["watchbill/conditions.js"])

    def id_for_label(self, id_: str | None) -> str:
        """The legend names the whole; every control has a name of its own."""
        return ""

    def use_required_attribute(self, initial: Any) -> bool:
        """Spare rows stay empty."""
        return False

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """The tree as it was sent; None where the page had no builder."""
        if f"{name}-match" not in data:
            return None
        groups = [_sent_group(data, f"{name}-{n}") for n in range(_highest(data, name) + 1)]
        return {
            "match": data.get(f"{name}-match"),
            "groups": [group for group in groups if group["conditions"]],
        }

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """Whether the page had a builder of that name."""
        return f"{name}-match" not in data

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """Groups, rows, and the catalogue that the script reads."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        tree = value if isinstance(value, Mapping) else ALWAYS
        shown = [*tree.get("groups", []), {"match": "all", "conditions": []}]
        boxes = [self._box(name, n, group) for n, group in enumerate(shown[: MOST_GROUPS + 1])]
        context["widget"] |= {
            "match": _select(f"{name}-match", MATCHES, tree.get("match"), "How groups combine"),
            "boxes": boxes,
            "catalogue": catalogue(self.subject),
            "catalogue_id": f"{name}-catalogue",
            "input": _text(f"{name}-proto", "", "Value"),
        }
        return context

    def _box(self, name: str, number: int, group: Any) -> Box:
        prefix = f"{name}-{number}"
        rows = [*group.get("conditions", []), {}][: MOST_CONDITIONS + 1]
        label = f"How the conditions of group {number + 1} combine"
        return Box(
            number,
            _select(f"{prefix}-match", MATCHES, group.get("match"), label),
            [self._row(f"{prefix}-{n}", number, n, each) for n, each in enumerate(rows)],
        )

    def _row(self, prefix: str, group: int, number: int, said: Any) -> Row:
        known = attributes_of(self.subject)
        attribute = known.get(str(said.get("field", "")))
        label = f"Group {group + 1}, condition {number + 1}"
        fields = [("", "choose a field"), *((each.name, each.title) for each in known.values())]
        names = _operators(attribute)
        operator = str(said.get("operator") or (names[0][0] if names else ""))
        return Row(
            _select(f"{prefix}-field", fields, said.get("field", ""), f"{label}: field"),
            _select(f"{prefix}-operator", names, operator, f"{label}: operator"),
            _value(attribute, operator, f"{prefix}-value", said.get("value"), f"{label}: value"),
            label,
        )


class BuilderField(forms.Field):
    """A tree of conditions about one subject, in its clean form."""

    def __init__(self, *, subject: str, **kwargs: Any) -> None:
        self.subject = subject
        super().__init__(**{"required": False, **kwargs, "widget": BuilderWidget(subject)})

    def clean(self, value: Any) -> Any:
        """The clean form, or an error that names group and condition."""
        try:
            return read(self.subject, value or ALWAYS).stored()
        except Invalid as error:
            raise ValidationError(error.detail, code=error.public_code) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compared in the clean form: a spare row is no change."""
        try:
            return bool(self.clean(initial) != self.clean(data))
        except ValidationError:
            return True


def catalogue(subject: str) -> dict[str, Any]:
    """What the script needs to know of each attribute."""
    return {name: _entry(each) for name, each in attributes_of(subject).items()}


def _entry(attribute: Attribute) -> dict[str, Any]:
    options = _options(attribute.kind)
    return {
        "title": attribute.title,
        "help": attribute.help,
        "operators": _operators(attribute),
        "options": options,
        "number": isinstance(attribute.kind, Number),
        "list": sorted(TAKING_LIST),
        "none": sorted(WITHOUT_VALUE),
    }


def _options(kind: Kind) -> list[tuple[str, str]]:
    if isinstance(kind, Flag):
        return list(_FLAGS)
    found = list(kind.choices().items()) if isinstance(kind, Choice) else []
    return found if len(found) <= MOST_OPTIONS else []


def _operators(attribute: Attribute | None) -> list[tuple[str, str]]:
    return [] if attribute is None else [(each, WORDS[each]) for each in attribute.kind.operators]


def _value(
    attribute: Attribute | None, operator: str, name: str, value: Any, label: str
) -> SafeString:
    options = [] if attribute is None else _options(attribute.kind)
    if operator in WITHOUT_VALUE:
        return SafeString("")
    is_list = operator in TAKING_LIST
    if options and is_list:
        widget = UnfoldAdminSelectMultipleWidget(choices=options)
        shown_at_once = {"aria-label": label, "size": min(len(options), MOST_LINES)}
        many: SafeString = widget.render(name, value or [], shown_at_once)
        return many
    if options:
        shown = str(value).lower() if isinstance(value, bool) else value
        return _select(name, options, shown, label)
    text = ", ".join(str(each) for each in value) if isinstance(value, list) else value
    return _text(name, "" if text is None else text, label)


def _select(name: str, options: Any, value: Any, label: str) -> SafeString:
    widget = UnfoldAdminSelectWidget(choices=options)
    shown: SafeString = widget.render(name, value, {"aria-label": label})
    return shown


def _text(name: str, value: Any, label: str) -> SafeString:
    widget = UnfoldAdminTextInputWidget()
    shown: SafeString = widget.render(name, value, {"aria-label": label, "autocomplete": "off"})
    return shown


def _sent_group(data: Any, prefix: str) -> dict[str, Any]:
    return {
        "match": data.get(f"{prefix}-match") or "all",
        "conditions": list(_sent_rows(data, prefix)),
    }


def _sent_rows(data: Any, prefix: str) -> Iterator[dict[str, Any]]:
    for number in range(_highest(data, prefix) + 1):
        name = f"{prefix}-{number}"
        if field := data.get(f"{name}-field"):
            operator = data.get(f"{name}-operator") or ""
            yield {"field": field, "operator": operator, "value": _sent_value(data, name, operator)}


def _sent_value(data: Any, name: str, operator: str) -> Any:
    many = (
        data.getlist(f"{name}-value") if hasattr(data, "getlist") else [data.get(f"{name}-value")]
    )
    if operator in {each.value for each in TAKING_LIST}:
        return [part.strip() for each in many if each for part in each.split(",") if part.strip()]
    return None if operator in WITHOUT_VALUE else (many[0] if many else None)


def _highest(data: Any, prefix: str) -> int:
    """The highest number in names `<prefix>-<number>-...`; bounded, whatever is sent."""
    start = len(prefix) + 1
    numbers = [
        int(digits)
        for name in data
        if name.startswith(f"{prefix}-")
        and (digits := name[start:].split("-", 1)[0]).isdigit()
        and len(digits) <= MOST_DIGITS
    ]
    return max(numbers, default=-1)
