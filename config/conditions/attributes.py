"""The registry of attributes: what a condition may speak of, by subject.

A room that owns a fact registers it, for whoever writes rules about that subject:

    register("incident", Attribute("users_affected", "Users affected", Number("users"),
                                   path="users_affected"))

`path` is where the ORM finds it from the subject's model, for rules that compile to SQL; where
that is not a column as it stands, a function makes the expression.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from config.conditions.kinds import Kind


class UnknownSubject(LookupError):
    """Code asked for the attributes of a subject that no room registered."""


class AttributeConflict(RuntimeError):
    """Two different attributes were registered under one name."""


@dataclass(frozen=True)
class Attribute:
    """One fact about a subject. Without `path` it can be asked of a record, not of a query."""

    name: str
    title: str
    kind: Kind
    path: "str | Callable[[], Any]" = ""
    help: str = ""


_subjects: dict[str, dict[str, Attribute]] = {}


def register(subject: str, *attributes: Attribute) -> None:
    """Add attributes to a subject; the subject exists from its first attribute on."""
    known = _subjects.setdefault(subject, {})
    for each in attributes:
        if known.get(each.name, each) != each:
            raise AttributeConflict(f"{subject}.{each.name}")
        known[each.name] = each


def attributes_of(subject: str) -> Mapping[str, Attribute]:
    """The attributes of a subject, by name, in the order of their registration."""
    try:
        return _subjects[subject]
    except KeyError:
        raise UnknownSubject(subject) from None
