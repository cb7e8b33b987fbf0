"""The scope rule as shipped, and what any version of it must hold. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from config.apikit.codes import explain
from config.errors import Blocker

SUBJECT = "service"


def _asks(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


def _any(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"match": "any", "groups": [{"match": "any", "conditions": list(conditions)}]}


# Thresholds are assumed, to be confirmed by each company.
_SHIPPED: Sequence[tuple[str, bool, bool, str, dict[str, Any]]] = (
    ("retired", False, False, "Nobody runs it any more", _any(_asks("status", "is", "retired"))),
    (
        "sla-governed",
        True,
        True,
        "A service level is promised for it",
        _any(_asks("is_sla_governed", "is", True)),
    ),
    (
        "critical",
        True,
        False,
        "Losing it soon hurts the business",
        _any(
            _asks("tier", "at_most", 2),
            _asks("rto_minutes", "at_most", 240),
            _asks("business_impact", "is_one_of", ["critical", "high"]),
            _asks("is_key_workflow", "is", True),
            _asks("is_regulated", "is", True),
        ),
    ),
)


def shipped_rules() -> list[dict[str, Any]]:
    """The shipped rules as child rows, ten positions apart so that others fit between."""
    return [
        {
            "line": line,
            "position": number * 10,
            "in_scope": in_scope,
            "sla_reportable": reportable,
            "note": note,
            "conditions": conditions,
        }
        for number, (line, in_scope, reportable, note, conditions) in enumerate(_SHIPPED, start=1)
    ]


def problems_of(rows: Sequence[Mapping[str, Any]]) -> list[Blocker]:
    """What keeps a version from being activated."""
    if any(row["in_scope"] for row in rows):
        return []
    text = "No rule brings a service into scope; add one that does."
    return [Blocker("scope_rule_empty", text)]


explain(
    scope_rule_empty=(
        "The scope rule brings no service into scope",
        "Add a rule that does, or leave the version in force as it is.",
    ),
)
