"""Columns that an admin class computes."""

from collections.abc import Callable, Mapping
from typing import Any

from unfold.decorators import display as unfold_display


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
    decorate: Callable[[F], F] = unfold_display(
        description=description,
        ordering=ordering,
        boolean=boolean,
        empty_value=empty_value,
        label=label,
        header=header,
    )
    return decorate
