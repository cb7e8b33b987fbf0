"""The governed settings: key, type, default, and what a business unit may do with each.

Rooms register theirs when they are imported; a key that nobody registered is a programming
error. Values are plain JSON: what `clean` returns is what a version stores.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from django.db.models import TextChoices

from config.errors import Invalid

# The scale is part of the requirements, not of one floor; `incidents.taxonomy` gives it meaning.
SEVERITIES = ("SEV1", "SEV2", "SEV3", "SEV4")


class UnitMay(TextChoices):
    """What a business unit may do with the enterprise value of a setting."""

    TIGHTEN = "tighten", "Only tighten it"
    FREE = "free", "Set its own"
    LOCKED = "locked", "Nothing: it holds everywhere"


class Tighter(TextChoices):
    """Which direction is the stricter one."""

    LOWER = "lower", "Lower values"
    HIGHER = "higher", "Higher values"
    MORE = "more", "More entries"
    FEWER = "fewer", "Fewer entries"


class SettingType(Protocol):
    """What a value may be, and how to say it in one line."""

    def clean(self, value: Any) -> Any:
        """The value in its stored form. Raises `Invalid` with what to enter instead."""
        ...

    def show(self, value: Any) -> str:
        """The value as people read it."""
        ...


@dataclass(frozen=True)
class Integer:
    """A whole number between two bounds."""

    least: int = 0
    most: int = 1_000_000
    unit: str = ""

    def clean(self, value: Any) -> int:
        """Accepts whole numbers only; true and "5" are not numbers."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise Invalid(f"Enter a whole number{self._of_unit()}.", field="value")
        if not self.least <= value <= self.most:
            limits = f"between {self.least} and {self.most}"
            raise Invalid(f"Enter a number{self._of_unit()} {limits}.", field="value")
        return value

    def show(self, value: Any) -> str:
        """Number and unit."""
        return f"{value} {self.unit}".strip()

    def _of_unit(self) -> str:
        return f" of {self.unit}" if self.unit else ""


@dataclass(frozen=True)
class BySeverity:
    """A whole number for each severity: all four must be there."""

    each: Integer = Integer()

    def clean(self, value: Any) -> dict[str, int]:
        """Accepts an object with exactly the four severities."""
        if not isinstance(value, Mapping) or set(value) != set(SEVERITIES):
            raise Invalid(
                f"Give a value for each of {', '.join(SEVERITIES)}, and for nothing else.",
                field="value",
            )
        return {severity: self._clean_one(severity, value[severity]) for severity in SEVERITIES}

    def show(self, value: Any) -> str:
        """All four in a row."""
        shown = ", ".join(f"{severity} {value[severity]}" for severity in SEVERITIES)
        return f"{shown} {self.each.unit}".strip()

    def _clean_one(self, severity: str, value: Any) -> int:
        try:
            return self.each.clean(value)
        except Invalid as error:
            raise Invalid(f"{severity}: {error.detail}", field="value") from error


@dataclass(frozen=True)
class ListOf:
    """Some of a set of names, each once, in the order of the set."""

    options: tuple[str, ...]

    def clean(self, value: Any) -> list[str]:
        """Accepts a list of known names."""
        listed = value if isinstance(value, list | tuple) else None
        if listed is None or any(entry not in self.options for entry in listed):
            raise Invalid(f"Choose from {', '.join(self.options)}.", field="value")
        return [option for option in self.options if option in listed]

    def show(self, value: Any) -> str:
        """The names in a row."""
        return ", ".join(value) or "none"


@dataclass(frozen=True)
class Choice:
    """One of a set of names."""

    options: tuple[tuple[str, str], ...]

    def clean(self, value: Any) -> str:
        """Accepts one of the names."""
        if not isinstance(value, str) or value not in dict(self.options):
            names = ", ".join(name for name, _ in self.options)
            raise Invalid(f"Choose one of {names}.", field="value")
        return value

    def show(self, value: Any) -> str:
        """The label of the name."""
        return dict(self.options)[value]


def severities() -> ListOf:
    """A list of severities."""
    return ListOf(SEVERITIES)


@dataclass(frozen=True)
class Setting:
    """One governed setting. `origin` names the source of its default."""

    key: str
    title: str
    type: SettingType
    default: Any
    unit_may: UnitMay = UnitMay.FREE
    tighter: Tighter | None = None
    help: str = ""
    origin: str = "assumed"

    def clean(self, value: Any) -> Any:
        """The value in its stored form, or `Invalid`."""
        return self.type.clean(value)

    def show(self, value: Any) -> str:
        """The value as people read it."""
        return self.type.show(value)

    def check_unit_value(self, value: Any, enterprise: Any) -> None:
        """Refuse a unit's value that the enterprise's value does not allow."""
        if self.unit_may == UnitMay.LOCKED:
            raise Invalid("This setting holds for the whole enterprise.", field="unit")
        if self.unit_may == UnitMay.TIGHTEN and not self._is_as_tight(value, enterprise):
            raise Invalid(
                f"A business unit may only tighten this; the enterprise has "
                f"{self.show(enterprise)}.",
                field="value",
            )

    def _is_as_tight(self, value: Any, enterprise: Any) -> bool:
        if self.tighter == Tighter.MORE:
            return set(value) >= set(enterprise)
        if self.tighter == Tighter.FEWER:
            return set(value) <= set(enterprise)
        if isinstance(value, Mapping):
            return all(self._number_is_as_tight(value[key], enterprise[key]) for key in value)
        return self._number_is_as_tight(value, enterprise)

    def _number_is_as_tight(self, value: int, enterprise: int) -> bool:
        return value <= enterprise if self.tighter == Tighter.LOWER else value >= enterprise


_settings: dict[str, Setting] = {}


class UnknownSetting(LookupError):
    """Code asked for a setting that no room registered."""


class SettingConflict(RuntimeError):
    """Two different settings were registered under one key."""


def register(setting: Setting) -> Setting:
    """Take the setting in; its default must pass its own type."""
    if _settings.get(setting.key, setting) != setting:
        raise SettingConflict(setting.key)
    if setting.unit_may == UnitMay.TIGHTEN and setting.tighter is None:
        raise SettingConflict(f"{setting.key}: say which direction is tighter")
    if setting.clean(setting.default) != setting.default:
        raise SettingConflict(f"{setting.key}: the default is not in its stored form")
    _settings[setting.key] = setting
    return setting


def registered(key: str) -> Setting:
    """The setting of that key. Raises `UnknownSetting`."""
    try:
        return _settings[key]
    except KeyError:
        raise UnknownSetting(key) from None


def find(key: str) -> Setting | None:
    """The setting of that key, for input from outside."""
    return _settings.get(key)


def all_settings() -> Iterable[Setting]:
    """All of them, by key."""
    return [_settings[key] for key in sorted(_settings)]
