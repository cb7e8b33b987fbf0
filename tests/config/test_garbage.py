"""How often a process looks for garbage."""

import gc
import weakref

import pytest

from config import garbage


class Knot:
    """Holds itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def eager() -> None:
    """As Python begins."""
    gc.unfreeze()
    gc.set_threshold(700, 10, 10)


@pytest.mark.usefixtures("eager")
def test_never_looks_among_what_was_loaded() -> None:
    garbage.settle()

    assert gc.get_freeze_count() > 100_000
    assert gc.get_threshold() == garbage.SELDOM


@pytest.mark.usefixtures("eager")
def test_still_takes_away_what_is_left_behind() -> None:
    garbage.settle()
    left = weakref.ref(Knot())

    kept = [[number] for number in range(2 * garbage.SELDOM[0])]

    assert left() is None
    assert len(kept) == 2 * garbage.SELDOM[0]
