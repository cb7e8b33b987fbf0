"""Which tier comes next."""

from hypothesis import given
from hypothesis import strategies as st

from escalation.runs.rules import Step, next_step


@given(positions=st.sets(st.integers(1, 20), max_size=6), rounds=st.integers(1, 9))
def test_visits_every_tier_once_a_round_in_order(positions: set[int], rounds: int) -> None:
    visited = []
    step = Step(0, 1)
    while following := next_step(list(positions), rounds, step):
        step = following
        visited.append((step.round, step.tier))

    assert visited == [
        (round_, tier) for round_ in range(1, rounds + 1) for tier in sorted(positions)
    ]
