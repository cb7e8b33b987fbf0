"""The kinds of record that a report can become, and the decision table as shipped. Pure."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from config.access.rules import Level, Need, level
from config.apikit.codes import explain


class Outcome(StrEnum):
    """What a report turns out to be."""

    INCIDENT = "incident"
    SERVICE_REQUEST = "service_request"
    PROBLEM = "problem"
    CHANGE = "change"
    ROUTINE = "routine"
    DUPLICATE = "duplicate"


# The prefix of the reference of each kind of record that isn't an incident.
PREFIXES: Mapping[str, str] = {
    Outcome.SERVICE_REQUEST: "REQ",
    Outcome.PROBLEM: "PRB",
    Outcome.CHANGE: "CHG",
    Outcome.ROUTINE: "OPS",
}
# The answers that the table goes by, as the report keeps them; any may be unknown.
ANSWERS = (
    *("is_interrupted", "slowdown_percent", "is_standard_request", "is_support_tried"),
    *("is_sla_covered", "is_planned_change", "is_recurring"),
)

_respond = level(Level.RESPOND)
NEEDS: Mapping[str, Need] = {
    "view": level(Level.VIEW),
    **dict.fromkeys(("qualify", "override", "hand_over", "convert"), _respond),
}


def facts_of(answers: Mapping[str, Any], *, tolerance: int, has_duplicate: bool) -> dict[str, Any]:
    """The answers, with what follows from them: a slowdown counts beyond the tolerance."""
    slowdown = answers.get("slowdown_percent")
    return {
        **answers,
        "has_duplicate": has_duplicate,
        "is_beyond_tolerance": None if slowdown is None else slowdown > tolerance,
    }


def _is(field: str, value: bool) -> dict[str, Any]:
    return {"field": field, "operator": "is", "value": value}


_SHIPPED: Sequence[tuple[str, Outcome, str, list[dict[str, Any]]]] = (
    ("duplicate", Outcome.DUPLICATE, "It is known already", [_is("has_duplicate", True)]),
    ("interruption", Outcome.INCIDENT, "A service is interrupted", [_is("is_interrupted", True)]),
    (
        "degradation",
        Outcome.INCIDENT,
        "Slower than the baseline tolerates",
        [_is("is_beyond_tolerance", True)],
    ),
    (
        "standard-request",
        Outcome.SERVICE_REQUEST,
        "Nothing is broken, and the request is a standard one",
        [_is("is_interrupted", False), _is("is_standard_request", True)],
    ),
    ("planned-change", Outcome.CHANGE, "Somebody wants a change", [_is("is_planned_change", True)]),
    (
        "recurring",
        Outcome.PROBLEM,
        "It comes back: look for the cause",
        [_is("is_recurring", True)],
    ),
    (
        "within-tolerance",
        Outcome.ROUTINE,
        "A slowdown that the baseline tolerates",
        [_is("is_beyond_tolerance", False)],
    ),
)


def shipped_rules() -> list[dict[str, Any]]:
    """The shipped table as child rows, ten positions apart so that others fit between."""
    return [
        {
            "line": line,
            "position": number * 10,
            "outcome": str(outcome),
            "note": note,
            "conditions": {"match": "all", "groups": [{"match": "all", "conditions": asked}]},
        }
        for number, (line, outcome, note, asked) in enumerate(_SHIPPED, start=1)
    ]


explain(
    converted_already=(
        "This has been turned into another record already",
        "Go on with the record that is named; nobody works on both.",
    ),
    duplicate_unnamed=(
        "It isn't said of which incident this is a duplicate",
        "Name the incident, then convert it.",
        400,
    ),
)
