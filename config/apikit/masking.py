"""Masked fields, left out of what a serializer shows."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from rest_framework.serializers import BaseSerializer

from config.access.masking import masked, masks_of, without
from config.access.visibility import access_for


@cache
def outputs_of(kind: Any) -> Mapping[str, frozenset[str]]:
    """By masked field of the model: the names under which the serializer shows it."""
    masks = masks_of(getattr(getattr(kind, "Meta", None), "model", None))
    if not masks:
        return {}
    fields: Any = getattr(kind(), "fields", {})
    return {
        name: frozenset(
            shown for shown, each in fields.items() if str(each.source).split(".")[0] == name
        )
        for name in masks
    }


def _of(kind: Any) -> Mapping[str, frozenset[str]]:
    return outputs_of(kind)


def for_reader(
    kind: type[BaseSerializer[Any]], rows: Iterable[Any], said: Sequence[Any], reader: Any
) -> list[Any]:
    """The answers, each without the fields of its row that the reader may not read."""
    outputs = _of(kind)
    if not any(outputs.values()):
        return list(said)
    access = access_for(reader)
    return [
        without({shown for name in masked(access, row) for shown in outputs[name]}, each)
        for row, each in zip(rows, said, strict=True)
    ]


def may_be_left_out(kind: type[BaseSerializer[Any]]) -> frozenset[str]:
    """The names that an answer may lack, for the document."""
    return frozenset().union(*_of(kind).values())
