"""What is missing: a table of demands and approvals, and what holds for any of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.governance.rules import UNDER_RULES, Demand, Demands, Lacking, lacking

PLAIN: frozenset[str] = frozenset({"policy_approver"})
LEGAL: frozenset[str] = frozenset({"legal"})
BOTH: frozenset[str] = frozenset({"legal", "compliance_officer"})
TABLE = [
    (Demand(), [], Lacking(1, ())),
    (Demand(), [PLAIN], Lacking(0, ())),
    (Demand(), [frozenset()], Lacking(0, ())),  # a superuser, who holds no role
    (Demand(2), [PLAIN], Lacking(1, ())),
    (Demand(5), [], Lacking(5, ())),
    (Demand(1, ("legal",)), [], Lacking(0, ("legal",))),
    (Demand(1, ("legal",)), [PLAIN], Lacking(0, ("legal",))),
    (Demand(1, ("legal",)), [LEGAL], Lacking(0, ())),
    (Demand(2, ("legal",)), [], Lacking(1, ("legal",))),
    (Demand(2, ("legal",)), [PLAIN], Lacking(0, ("legal",))),
    (Demand(2, ("legal",)), [LEGAL], Lacking(1, ())),
    (Demand(2, ("legal",)), [PLAIN, PLAIN], Lacking(0, ("legal",))),
    (Demand(2, ("legal", "compliance_officer")), [BOTH], Lacking(1, ())),
    (Demand(1, ("legal", "compliance_officer")), [BOTH], Lacking(0, ())),
    (Demand(1, ("legal", "compliance_officer")), [LEGAL], Lacking(0, ("compliance_officer",))),
    (Demand(3, ("legal",)), [PLAIN, LEGAL, PLAIN], Lacking(0, ())),
]
NAMES = sorted(UNDER_RULES)
HELD = st.frozensets(st.sampled_from(NAMES), max_size=4)
DEMANDS = st.builds(
    Demand,
    st.integers(1, 5),
    st.lists(st.sampled_from(NAMES), unique=True, max_size=4).map(tuple),
)


@pytest.mark.parametrize(("demand", "heard", "left"), TABLE)
def test_says_what_is_missing(demand, heard, left):
    assert lacking(demand, heard) == left


@given(DEMANDS, st.lists(HELD, max_size=6))
def test_lacks_nothing_exactly_when_the_demand_is_met(demand, heard):
    met = len(heard) >= demand.people and set(demand.roles) <= frozenset().union(*heard)

    assert bool(lacking(demand, heard)) is not met


@given(DEMANDS, st.lists(HELD, max_size=6), HELD)
def test_is_lessened_by_exactly_what_is_of_use(demand, heard, held):
    before, after = lacking(demand, heard), lacking(demand, [*heard, held])

    assert before.is_lessened_by(held) is (after != before)


@given(DEMANDS, st.permutations(range(4)), st.lists(HELD, min_size=4, max_size=4))
def test_asks_not_who_came_first(demand, order, heard):
    assert lacking(demand, heard) == lacking(demand, [heard[each] for each in order])


@pytest.mark.parametrize(
    ("left", "texts"),
    [
        (Lacking(0, ()), []),
        (Lacking(1, ()), ["one more approval"]),
        (Lacking(2, ("legal",)), ["2 more approvals", "an approval by Legal"]),
    ],
)
def test_says_it_in_words(left, texts):
    assert left.texts == texts


def test_takes_the_row_of_the_kind_else_that_of_every_other():
    found = Demands({"setting": Demand(2), "": Demand(3)}, matrix=7)

    assert [found.of(kind).people for kind in ("setting", "raci")] == [2, 3]
    assert Demands({"setting": Demand(2)}).of("raci") == Demand()
    assert Demands().of("raci") == Demand()
