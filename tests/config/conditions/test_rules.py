"""Trees of conditions: what is refused, how they read, and what unknown facts do."""

from typing import Any

import pytest

from config.conditions.attributes import Attribute, AttributeConflict, register
from config.conditions.kinds import Choice, Flag, Number, Several, Text
from config.conditions.rules import ALWAYS, decide, describe, matches, read
from config.errors import Invalid

SUBJECT = "test-ship"
register(
    SUBJECT,
    Attribute("crew", "Crew", Number("people", most=10_000)),
    Attribute("flag_state", "Flag state", Choice((("no", "Norway"), ("pt", "Portugal")))),
    Attribute("moored", "Moored", Flag()),
    Attribute("name", "Name", Text()),
    Attribute("cargo", "Cargo", Several((("oil", "Oil"), ("salt", "Salt"), ("cod", "Cod")))),
)


def tree(*conditions: tuple[str, str, Any], match: str = "all", outer: str = "all") -> Any:
    rows = [{"field": f, "operator": o, "value": v} for f, o, v in conditions]
    return {"match": outer, "groups": [{"match": match, "conditions": rows}]}


@pytest.mark.parametrize(
    ("condition", "facts", "expected"),
    [
        (("crew", "at_least", 10), {"crew": 10}, True),
        (("crew", "at_least", 10), {"crew": 9}, False),
        (("crew", "at_most", "1,000"), {"crew": 1000}, True),
        (("crew", "is_not", 3), {"crew": 4}, True),
        (("flag_state", "is_one_of", ["pt", "no"]), {"flag_state": "pt"}, True),
        (("flag_state", "is_none_of", ["pt"]), {"flag_state": "pt"}, False),
        (("moored", "is", "yes"), {"moored": True}, True),
        (("moored", "is", False), {"moored": True}, False),
        (("name", "contains", "MARIA"), {"name": "Santa Maria"}, True),
        (("name", "begins_with", "santa"), {"name": "Santa Maria"}, True),
        (("name", "is_not", "santa maria"), {"name": "Santa Maria"}, False),
        (("cargo", "has_any", ["oil", "cod"]), {"cargo": {"cod"}}, True),
        (("cargo", "has_none", ["oil"]), {"cargo": ["salt"]}, True),
        (("crew", "is_unknown", None), {}, True),
        (("crew", "is_known", None), {"crew": 0}, True),
    ],
)
def test_compares_each_kind(condition: Any, facts: Any, expected: bool) -> None:
    read_tree = read(SUBJECT, tree(condition))
    assert matches(read_tree, facts) is expected
    assert decide(SUBJECT, read_tree, facts).matched is expected


@pytest.mark.parametrize("operator", ["is", "is_not", "at_least", "at_most"])
def test_lets_nobody_decide_by_what_is_not_known(operator: str) -> None:
    assert not matches(read(SUBJECT, tree(("crew", operator, 5))), {"crew": None})


def test_combines_groups_of_all_and_any() -> None:
    both = {
        "match": "all",
        "groups": [
            tree(("crew", "at_least", 5), ("moored", "is", True), match="any")["groups"][0],
            tree(("flag_state", "is", "no"))["groups"][0],
        ],
    }
    found = read(SUBJECT, both)
    assert matches(found, {"crew": 2, "moored": True, "flag_state": "no"})
    assert not matches(found, {"crew": 9, "flag_state": "pt"})
    assert describe(SUBJECT, found) == (
        "(Crew is at least 5 people or Moored is yes) and Flag state is Norway"
    )


def test_explains_which_condition_held_on_which_value() -> None:
    found = read(SUBJECT, tree(("crew", "at_least", 1500), ("moored", "is", True)))
    verdict = decide(SUBJECT, found, {"crew": 12})
    assert not verdict.matched
    assert [(each.text, each.actual, each.held) for each in verdict.findings] == [
        ("Crew is at least 1,500 people", "12 people", False),
        ("Moored is yes", "not known", False),
    ]


def test_matches_everything_without_conditions() -> None:
    found = read(SUBJECT, ALWAYS)
    assert matches(found, {})
    assert describe(SUBJECT, found) == "always"


def test_stores_a_form_that_reads_back_as_itself() -> None:
    said = read(SUBJECT, tree(("cargo", "has_any", ["salt", "cod", "salt"]), ("crew", "is", "7")))
    assert said.stored()["groups"][0]["conditions"][0]["value"] == ["cod", "salt"]
    assert read(SUBJECT, said.stored()) == said


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ([], "conditions: give an object"),
        ({"match": "none", "groups": []}, "conditions: choose whether all or any"),
        ({"groups": [{"conditions": []}]}, "Group 1: add a condition"),
        (tree(("weight", "is", 1)), "Group 1, condition 1: there is no field “weight”"),
        (tree(("crew", "contains", 1)), "Crew is compared by"),
        (tree(("crew", "is", "many")), "Enter a whole number"),
        (tree(("crew", "is", True)), "Enter a whole number"),
        (tree(("crew", "is", 1e400)), "Enter a whole number"),
        (tree(("crew", "is", "9" * 400)), "Enter a whole number"),
        (tree(("crew", "is", 10_001)), "from 0 to 10000"),
        (tree(("flag_state", "is", "xx")), "Choose one of no, pt"),
        (tree(("flag_state", "is", True)), "Choose one of"),
        (tree(("cargo", "has_any", [])), "Choose between 1 and 100"),
        (tree(("name", "is", "a\0b")), "Enter a text"),
        (tree(("name", "is", "x" * 201)), "at most 200 characters"),
        (tree(*[("crew", "is", 1)] * 21), "a list of at most 20"),
        ({"groups": [tree(("crew", "is", 1))["groups"][0]] * 11}, "a list of at most 10"),
        ({"groups": [{"conditions": ["crew"]}]}, "Group 1, condition 1: give an object"),
        ({**tree(("crew", "is", 1)), "sql": "1=1"}, "give an object"),
    ],
)
def test_says_where_a_tree_is_wrong(data: Any, where: str) -> None:
    with pytest.raises(Invalid, match=r"\A[^\n]*\Z") as refusal:
        read(SUBJECT, data)
    assert where in refusal.value.detail
    assert refusal.value.public_code == "condition_invalid"


def test_refuses_two_attributes_of_one_name() -> None:
    with pytest.raises(AttributeConflict):
        register(SUBJECT, Attribute("crew", "Crew", Text()))
