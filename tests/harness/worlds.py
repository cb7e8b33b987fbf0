"""Databases in which kept fixtures have been made, for tests with a database of their own.

What such a test asks for of them is made once in each process, and committed; every test that asks
for the same gets a copy, which takes a fraction of making it.
"""

import copy
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.harness import databases
from tests.harness.stage import Maker, make_one


@dataclass(frozen=True, slots=True)
class World:
    """A database that nobody works in, and what was made there, by name."""

    clone: databases.Clone
    values: Mapping[str, Any]

    def copies(self) -> dict[str, Any]:
        """Of what was made; those that name each other still do."""
        return copy.deepcopy(dict(self.values))


class Worlds:
    """The last few, by what was made in them."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._made: OrderedDict[frozenset[Maker], World] = OrderedDict()

    def of(self, makers: Sequence[Maker]) -> World | None:
        """The one with all of these, and nothing else; none where nothing is asked for."""
        if not makers:
            return None
        key = frozenset(makers)
        if key not in self._made:
            self.keep(self._room - 1)
            self._made[key] = _made_by(makers)
        self._made.move_to_end(key)
        return self._made[key]

    def keep(self, count: int) -> None:
        """Drop all but so many, of those asked for last."""
        while len(self._made) > count:
            _, oldest = self._made.popitem(last=False)
            databases.drop_clone(oldest.clone)


def _made_by(makers: Sequence[Maker]) -> World:
    clone = databases.make_clone()
    values: dict[str, Any] = {}
    try:
        with databases.pointed_at(clone):
            for maker in makers:
                make_one(maker, values)
    except BaseException:
        databases.drop_clone(clone)
        raise
    return World(clone, values)


worlds = Worlds(room=4)
