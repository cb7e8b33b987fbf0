"""What a saved view keeps of a list's address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import Invalid
from config.workspace.rules import LONGEST_QUERY, MOST_PARAMETERS, is_same, normal


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("?b=2&a=1", "a=1&b=2"),
        ("attention=open&p=3&e=1&_popup=1&all=", "attention=open"),
        ("q=&attention=open", "attention=open"),
        ("o=-2.3&q=two+words", "o=-2.3&q=two+words"),
        ("a=2&a=1", "a=1&a=2"),
        ("", ""),
    ],
)
def test_keeps_what_was_listed_and_not_the_visit(query: str, kept: str) -> None:
    assert normal(query) == kept


@given(st.text(max_size=200))
def test_is_settled_after_once(query: str) -> None:
    try:
        once = normal(query)
    except Invalid:
        return

    assert normal(once) == once


@pytest.mark.parametrize(
    "query",
    [
        "q=" + "x" * LONGEST_QUERY,
        "q=a\0b",
        "q=a%00b",
        "&".join(f"a{n}=1" for n in range(MOST_PARAMETERS + 1)),
    ],
)
def test_refuses_what_no_list_asks(query: str) -> None:
    with pytest.raises(Invalid) as refusal:
        normal(query)

    assert refusal.value.field == "query"
    assert not is_same(query, query)


def test_knows_the_same_list_in_another_order() -> None:
    assert is_same("b=2&a=1&p=4", "?a=1&b=2")
    assert not is_same("a=1", "a=2")
