"""Columns that an admin class computes, and the box by which a row is chosen.

What looks the same for every row, a badge or a box, is rendered once and kept: a template for each
took a third of the time of a list.
"""

from collections.abc import Callable, Mapping
from functools import cache, lru_cache, wraps
from typing import Any, cast

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from unfold.admin import checkbox
from unfold.decorators import display as unfold_display
from unfold.utils import display_for_label

BADGES_KEPT = 256


def display[F: Callable[..., Any]](
    *,
    description: str | None = None,
    ordering: str | None = None,
    boolean: bool | None = None,
    empty_value: str | None = None,
    label: bool | str | Mapping[Any, str] | None = None,
    header: bool | None = None,
) -> Callable[[F], F]:
    """Unfold's decorator, with types.

    `label` makes badges, {value: "danger" | "warning" | "success" | "info"}, which say in words
    what their colour says.
    """
    shown: Callable[[F], F] = unfold_display(
        description=description,
        ordering=ordering,
        boolean=boolean,
        empty_value=empty_value,
        header=header,
    )

    def decorate(method: F) -> F:
        return shown(cast("F", _with_badges(method, label)) if label else method)

    return decorate


@display(description="Unit", ordering="unit__name")
def unit_shown(row: Any) -> str:
    """A column for what belongs to a unit, or to all: the unit, else the enterprise."""
    return str(row.unit or "Enterprise")


def _with_badges(method: Callable[..., Any], label: Any) -> Callable[..., Any]:
    @lru_cache(BADGES_KEPT)
    def badge(value: Any) -> SafeString:
        return mark_safe(" ".join(display_for_label(value, "", label).split()))  # noqa: S308  # nosec B308 B703  (a template escaped it)

    @wraps(method)
    def shown(*args: Any) -> SafeString | None:
        value = method(*args)
        return None if value is None or value == "" else badge(value)

    return shown


def selection_box(key: Any) -> SafeString:
    """Unfold's box that chooses the row of that key for an action."""
    return format_html(_box(), key)


@cache
def _box() -> str:
    return str(checkbox.render(ACTION_CHECKBOX_NAME, "{}"))
