"""Conditions as a query: the same answer as the rule gives for each record, from the database."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Case, CharField, Expression, F, Func, Lookup, Q, Value, When
from django.db.models.functions import Cast
from django.db.models.lookups import (
    Contains,
    Exact,
    GreaterThanOrEqual,
    In,
    IsNull,
    LessThanOrEqual,
    StartsWith,
)

from config.conditions.attributes import Attribute, attributes_of
from config.conditions.kinds import Operator, Text, folded
from config.conditions.rules import Condition, Group, Tree


class NotInSql(LookupError):
    """The tree speaks of an attribute that only a record can answer."""


def compiles(subject: str, tree: Tree) -> bool:
    """Whether every attribute of the tree can be asked of a query."""
    known = attributes_of(subject)
    return all(known[each.field].path for each in tree.conditions())


def filter_of(subject: str, tree: Tree) -> Q:
    """The records that fulfil the tree. Raises `NotInSql`."""
    groups = [_group(subject, group) for group in tree.groups]
    return Q() if tree.is_always else _combined(tree.match, groups)


def first_match(
    subject: str, rows: Sequence[tuple[Tree, str]], default: Any = None
) -> Expression | Value:
    """A table of rows as one expression: the outcome of the first row that matches.

    An always-true row ends the table, as it does for the rule.
    """
    whens = []
    for tree, outcome in rows:
        if tree.is_always:
            default = outcome
            break
        whens.append(When(filter_of(subject, tree), then=Value(outcome)))
    otherwise = default if hasattr(default, "resolve_expression") else Value(default)
    return Case(*whens, default=otherwise, output_field=CharField())


def _group(subject: str, group: Group) -> Q:
    known = attributes_of(subject)
    return _combined(group.match, [_condition(known[c.field], c) for c in group.conditions])


def _combined(match: str, parts: Sequence[Q]) -> Q:
    whole = Q()
    for part in parts:
        whole = whole & part if match == "all" else whole | part
    return whole


def _condition(attribute: Attribute, condition: Condition) -> Q:
    source = source_of(attribute)
    if isinstance(attribute.kind, Text) and condition.operator in _FOLDED:
        return _FOLDED[condition.operator](_lower(source), folded(condition.value))
    return _PLAIN[condition.operator](source, condition.value)


def source_of(attribute: Attribute) -> Any:
    """The expression of the fact in a query. Raises `NotInSql`."""
    if not attribute.path:
        raise NotInSql(attribute.name)
    return attribute.path() if callable(attribute.path) else F(attribute.path)


def _lower(source: Any) -> Func:
    """`translate`, not `lower`: what that one does depends on the database's locale."""
    upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    text = Cast(source, CharField())
    letters = (Value(upper), Value(upper.lower()))
    return Func(text, *letters, function="translate", output_field=CharField())


def _overlap(source: Any, values: list[str]) -> "Lookup[Any]":
    kind: Any = ArrayField(CharField())
    overlap: type[Lookup[Any]] = kind.get_lookup("overlap")
    return overlap(source, Value(values, output_field=kind))


# A comparison with NULL is NULL, and so is its negation: what isn't known fulfils neither.
_FOLDED: Mapping[Operator, Callable[[Any, str], Q]] = {
    Operator.IS: lambda text, value: Q(Exact(text, value)),
    Operator.IS_NOT: lambda text, value: ~Q(Exact(text, value)),
    Operator.CONTAINS: lambda text, value: Q(Contains(text, value)),
    Operator.BEGINS_WITH: lambda text, value: Q(StartsWith(text, value)),
}
_PLAIN: Mapping[Operator, Callable[[Any, Any], Q]] = {
    Operator.IS: lambda source, value: Q(Exact(source, value)),
    Operator.IS_NOT: lambda source, value: ~Q(Exact(source, value)),
    Operator.IS_ONE_OF: lambda source, value: Q(In(source, value)),
    Operator.IS_NONE_OF: lambda source, value: ~Q(In(source, value)),
    Operator.AT_LEAST: lambda source, value: Q(GreaterThanOrEqual(source, value)),
    Operator.AT_MOST: lambda source, value: Q(LessThanOrEqual(source, value)),
    Operator.IS_KNOWN: lambda source, value: Q(IsNull(source, False)),
    Operator.IS_UNKNOWN: lambda source, value: Q(IsNull(source, True)),
    Operator.HAS_ANY: lambda source, value: Q(_overlap(source, value)),
    Operator.HAS_NONE: lambda source, value: ~Q(_overlap(source, value)),
}
