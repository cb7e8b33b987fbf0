"""Trees of conditions: read from outside, put into words, and decided with an explanation. Pure.

Stored as JSON in two levels, which is as deep as people read without error:

    {"match": "all", "groups": [{"match": "any", "conditions": [
        {"field": "users_affected", "operator": "at_least", "value": 1000}]}]}

No group at all matches everything: the "otherwise" of a table.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from config.apikit.codes import explain
from config.conditions.attributes import Attribute, attributes_of
from config.conditions.kinds import WORDS, Operator, clean_for, holds, show_for
from config.errors import Invalid

MOST_GROUPS = 10
MOST_CONDITIONS = 20

type Match = Literal["all", "any"]
type Facts = Mapping[str, Any]

ALWAYS: Mapping[str, Any] = {"match": "all", "groups": []}


@dataclass(frozen=True)
class Condition:
    """One comparison."""

    field: str
    operator: Operator
    value: Any


@dataclass(frozen=True)
class Group:
    """Conditions of which all, or any, must hold."""

    match: Match
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Tree:
    """Groups of which all, or any, must hold."""

    match: Match = "all"
    groups: tuple[Group, ...] = ()

    @property
    def is_always(self) -> bool:
        """True where nothing is asked."""
        return not self.groups

    def conditions(self) -> Iterable[Condition]:
        """All of them, in their order."""
        return (each for group in self.groups for each in group.conditions)

    def stored(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "match": self.match,
            "groups": [
                {"match": group.match, "conditions": [asdict(each) for each in group.conditions]}
                for group in self.groups
            ],
        }


@dataclass(frozen=True)
class Finding:
    """What one condition said of the facts: for people who ask why."""

    text: str
    actual: str
    held: bool


@dataclass(frozen=True)
class Verdict:
    """Whether a tree matched, and what each condition found."""

    matched: bool
    findings: tuple[Finding, ...]


def read(subject: str, data: Any) -> Tree:
    """A tree from outside or from storage. Raises `Invalid` that says where it is wrong."""
    body = _object(data, "conditions", {"match", "groups"})
    groups = _listed(body.get("groups", []), "groups", MOST_GROUPS)
    return Tree(
        _match(body, "conditions"),
        tuple(_group(subject, each, f"Group {n}") for n, each in enumerate(groups, start=1)),
    )


def decide(subject: str, tree: Tree, facts: Facts) -> Verdict:
    """Whether the facts fulfil the tree. A fact that is missing is not known."""
    found = [[_finding(subject, each, facts) for each in g.conditions] for g in tree.groups]
    outcomes = [
        _combined(group.match, [finding.held for finding in findings])
        for group, findings in zip(tree.groups, found, strict=True)
    ]
    matched = True if tree.is_always else _combined(tree.match, outcomes)
    return Verdict(matched, tuple(finding for findings in found for finding in findings))


def matches(tree: Tree, facts: Facts) -> bool:
    """As `decide`, without the words: for many records at once."""
    outcomes = [
        _combined(g.match, [holds(c.operator, facts.get(c.field), c.value) for c in g.conditions])
        for g in tree.groups
    ]
    return True if tree.is_always else _combined(tree.match, outcomes)


def describe(subject: str, tree: Tree) -> str:
    """The tree in one sentence."""
    if tree.is_always:
        return "always"
    alone = len(tree.groups) == 1
    words = [_described(subject, group, alone=alone) for group in tree.groups]
    return f" {_JOINED[tree.match]} ".join(words)


_JOINED: Mapping[Match, str] = {"all": "and", "any": "or"}


def _described(subject: str, group: Group, *, alone: bool) -> str:
    known = attributes_of(subject)
    words = [_text(known[each.field], each) for each in group.conditions]
    joined = f" {_JOINED[group.match]} ".join(words)
    return joined if alone or len(words) == 1 else f"({joined})"


def _text(attribute: Attribute, condition: Condition) -> str:
    shown = show_for(attribute.kind, condition.operator, condition.value)
    return f"{attribute.title} {WORDS[condition.operator]} {shown}".strip()


def _finding(subject: str, condition: Condition, facts: Facts) -> Finding:
    attribute = attributes_of(subject)[condition.field]
    actual = facts.get(condition.field)
    return Finding(
        _text(attribute, condition),
        _shown(attribute, actual),
        holds(condition.operator, actual, condition.value),
    )


def _shown(attribute: Attribute, actual: Any) -> str:
    if actual is None:
        return "not known"
    if isinstance(actual, list | tuple | set | frozenset):
        return ", ".join(attribute.kind.show(each) for each in sorted(actual)) or "none"
    return attribute.kind.show(actual)


def _combined(match: Match, outcomes: Sequence[bool]) -> bool:
    return all(outcomes) if match == "all" else any(outcomes)


def _group(subject: str, data: Any, where: str) -> Group:
    body = _object(data, where, {"match", "conditions"})
    listed = _listed(body.get("conditions", []), where, MOST_CONDITIONS)
    if not listed:
        raise _wrong(where, "add a condition, or remove the group.")
    conditions = (
        _condition(subject, each, f"{where}, condition {n}") for n, each in enumerate(listed, 1)
    )
    return Group(_match(body, where), tuple(conditions))


def _condition(subject: str, data: Any, where: str) -> Condition:
    body = _object(data, where, {"field", "operator", "value"})
    attribute = attributes_of(subject).get(str(body.get("field", "")))
    if attribute is None:
        raise _wrong(where, f"there is no field “{body.get('field', '')}” here.")
    operator = _operator(attribute, body.get("operator"), where)
    try:
        value = clean_for(attribute.kind, operator, body.get("value"))
    except Invalid as error:
        raise _wrong(where, f"{attribute.title}: {error.detail}") from error
    return Condition(attribute.name, operator, value)


def _operator(attribute: Attribute, name: Any, where: str) -> Operator:
    if name not in tuple(attribute.kind.operators):
        known = ", ".join(attribute.kind.operators)
        raise _wrong(where, f"{attribute.title} is compared by {known}.")
    return Operator(name)


def _match(body: Mapping[str, Any], where: str) -> Match:
    match body.get("match", "all"):
        case "all":
            return "all"
        case "any":
            return "any"
        case _:
            raise _wrong(where, "choose whether all or any must hold.")


def _object(data: Any, where: str, names: set[str]) -> Mapping[str, Any]:
    if not isinstance(data, Mapping) or set(data) - names:
        raise _wrong(where, f"give an object with {', '.join(sorted(names))}.")
    return data


def _listed(data: Any, where: str, most: int) -> Sequence[Any]:
    if not isinstance(data, list | tuple) or len(data) > most:
        raise _wrong(where, f"give a list of at most {most}.")
    return data


def _wrong(where: str, text: str) -> Invalid:
    return Invalid(f"{where}: {text}", code="condition_invalid", field="conditions")


explain(
    condition_invalid=(
        "A condition can't be understood",
        "Choose field, operator and value from what the form offers.",
        400,
    ),
)
