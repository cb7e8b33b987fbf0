"""What an attribute's value may be, and which operators compare it. Pure.

A value that isn't known fulfils nothing but "is not known": neither here nor in SQL does a rule
decide by what nobody measured.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from config.errors import Invalid

TEXT_LENGTH = 200
LIST_LENGTH = 100
LONGEST_NUMBER = 20


class Operator(StrEnum):
    """How an attribute is compared."""

    IS = "is"
    IS_NOT = "is_not"
    IS_ONE_OF = "is_one_of"
    IS_NONE_OF = "is_none_of"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    CONTAINS = "contains"
    BEGINS_WITH = "begins_with"
    HAS_ANY = "has_any"
    HAS_NONE = "has_none"
    IS_KNOWN = "is_known"
    IS_UNKNOWN = "is_unknown"


WORDS: Mapping[Operator, str] = {
    Operator.IS: "is",
    Operator.IS_NOT: "is not",
    Operator.IS_ONE_OF: "is one of",
    Operator.IS_NONE_OF: "is none of",
    Operator.AT_LEAST: "is at least",
    Operator.AT_MOST: "is at most",
    Operator.CONTAINS: "contains",
    Operator.BEGINS_WITH: "begins with",
    Operator.HAS_ANY: "has any of",
    Operator.HAS_NONE: "has none of",
    Operator.IS_KNOWN: "is known",
    Operator.IS_UNKNOWN: "is not known",
}
WITHOUT_VALUE = frozenset({Operator.IS_KNOWN, Operator.IS_UNKNOWN})
TAKING_LIST = frozenset(
    {Operator.IS_ONE_OF, Operator.IS_NONE_OF, Operator.HAS_ANY, Operator.HAS_NONE}
)
KNOWLEDGE = (Operator.IS_KNOWN, Operator.IS_UNKNOWN)

type Options = Iterable[tuple[str, str]]

_ASCII_LOWER = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "abcdefghijklmnopqrstuvwxyz",
)


def folded(text: str) -> str:
    """A to Z in lower case and nothing else: the one folding that Python and SQL agree on."""
    return text.translate(_ASCII_LOWER)


class Kind(Protocol):
    """A kind of value: which operators it has, what may stand beside them, and how it reads."""

    @property
    def operators(self) -> tuple[Operator, ...]:
        """Those that compare such a value."""
        ...

    def clean(self, value: Any) -> Any:
        """One value in its stored form. Raises `Invalid` with what to enter instead."""
        ...

    def show(self, value: Any) -> str:
        """One value as people read it."""
        ...


@dataclass(frozen=True)
class Number:
    """A whole number between two bounds."""

    unit: str = ""
    least: int = 0
    most: int = 10**12
    operators: tuple[Operator, ...] = (
        *(Operator.AT_LEAST, Operator.AT_MOST, Operator.IS, Operator.IS_NOT),
        *KNOWLEDGE,
    )

    def clean(self, value: Any) -> int:
        """Whole numbers, also as a form sends them."""
        number = _whole(value)
        if number is None:
            raise Invalid("Enter a whole number.", field="value")
        if not self.least <= number <= self.most:
            raise Invalid(f"Enter a number from {self.least} to {self.most}.", field="value")
        return number

    def show(self, value: Any) -> str:
        """With separators and the unit."""
        return f"{value:,} {self.unit}".strip()


@dataclass(frozen=True)
class Choice:
    """One of a set of names; a callable reads a set that grows."""

    options: "tuple[tuple[str, str], ...] | Callable[[], Options]"
    operators: tuple[Operator, ...] = (
        *(Operator.IS, Operator.IS_NOT, Operator.IS_ONE_OF, Operator.IS_NONE_OF),
        *KNOWLEDGE,
    )

    def choices(self) -> dict[str, str]:
        """The names with their labels, read now."""
        return dict(self.options() if callable(self.options) else self.options)

    def clean(self, value: Any) -> str:
        """One of the names; numbers come as their digits."""
        name = str(value) if isinstance(value, int | str) and value is not True else ""
        if name not in self.choices():
            shown = ", ".join(list(self.choices())[:20])
            raise Invalid(f"Choose one of {shown}.", field="value")
        return name

    def show(self, value: Any) -> str:
        """The label; a name that is gone shows as itself."""
        return self.choices().get(str(value), str(value))


@dataclass(frozen=True)
class Several(Choice):
    """Any number of names at once, such as tags."""

    operators: tuple[Operator, ...] = (Operator.HAS_ANY, Operator.HAS_NONE)


@dataclass(frozen=True)
class Flag:
    """Yes or no."""

    operators: tuple[Operator, ...] = (Operator.IS, *KNOWLEDGE)

    def clean(self, value: Any) -> bool:
        """True and false, also as a form sends them."""
        found = {"true": True, "false": False, "yes": True, "no": False}.get(str(value).lower())
        if found is None:
            raise Invalid("Choose yes or no.", field="value")
        return found

    def show(self, value: Any) -> str:
        """In words."""
        return "yes" if value else "no"


@dataclass(frozen=True)
class Text:
    """Free text; the letters A to Z are compared without case."""

    operators: tuple[Operator, ...] = (
        *(Operator.CONTAINS, Operator.BEGINS_WITH, Operator.IS, Operator.IS_NOT),
        *KNOWLEDGE,
    )

    def clean(self, value: Any) -> str:
        """Some text of a bearable length."""
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            raise Invalid("Enter a text.", field="value")
        if len(value) > TEXT_LENGTH:
            raise Invalid(f"Enter at most {TEXT_LENGTH} characters.", field="value")
        return value.strip()

    def show(self, value: Any) -> str:
        """In quotation marks."""
        return f"“{value}”"


def clean_for(kind: Kind, operator: Operator, value: Any) -> Any:
    """What may stand beside the operator, in its stored form; None where nothing may."""
    if operator in WITHOUT_VALUE:
        return None
    if operator not in TAKING_LIST:
        return kind.clean(value)
    listed = list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
    if not listed or len(listed) > LIST_LENGTH:
        raise Invalid(f"Choose between 1 and {LIST_LENGTH} values.", field="value")
    return sorted({kind.clean(each) for each in listed})


def show_for(kind: Kind, operator: Operator, value: Any) -> str:
    """The right-hand side as people read it."""
    if operator in WITHOUT_VALUE:
        return ""
    if operator in TAKING_LIST:
        return ", ".join(kind.show(each) for each in value)
    return kind.show(value)


def holds(operator: Operator, actual: Any, value: Any) -> bool:
    """Whether the comparison is true of an actual value; None is what nobody knows."""
    if operator in WITHOUT_VALUE:
        return (actual is None) == (operator == Operator.IS_UNKNOWN)
    if actual is None:
        return False
    return _COMPARED[operator](actual, value)


def _is(actual: Any, value: Any) -> bool:
    if isinstance(actual, str) and isinstance(value, str):
        return folded(actual) == folded(value)
    return bool(actual == value)


def _common(actual: Collection[str], value: Collection[str]) -> bool:
    return not set(actual).isdisjoint(value)


_COMPARED: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.IS: _is,
    Operator.IS_NOT: lambda actual, value: not _is(actual, value),
    Operator.IS_ONE_OF: lambda actual, value: actual in value,
    Operator.IS_NONE_OF: lambda actual, value: actual not in value,
    Operator.AT_LEAST: lambda actual, value: bool(actual >= value),
    Operator.AT_MOST: lambda actual, value: bool(actual <= value),
    Operator.CONTAINS: lambda actual, value: folded(value) in folded(actual),
    Operator.BEGINS_WITH: lambda actual, value: folded(actual).startswith(folded(value)),
    Operator.HAS_ANY: _common,
    Operator.HAS_NONE: lambda actual, value: not _common(actual, value),
}


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    text = value.strip().replace(",", "").replace(" ", "") if isinstance(value, str) else ""
    is_number = text.isascii() and text.removeprefix("-").isdigit() and len(text) <= LONGEST_NUMBER
    return int(text) if is_number else None
