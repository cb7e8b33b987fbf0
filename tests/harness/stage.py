"""Rows in the shared database that lie below the tests' own transactions."""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from django.db import connection, transaction

from config import clock


@dataclass(frozen=True, slots=True, eq=False)
class Maker:
    """How a kept fixture is made, out of the values of others by their names."""

    name: str
    make: Callable[..., Any]
    needs: tuple[str, ...]
    heavy: bool


@dataclass(frozen=True, slots=True)
class Layer:
    """What was made, in a transaction that is still open.

    `values` are all that were there when it had been made, by name: a maker may change what it
    was given, as its rows do.
    """

    maker: Maker
    values: Mapping[str, Any]
    within: transaction.Atomic


class Stage:
    """The layers that are there, the oldest first."""

    def __init__(self) -> None:
        self._layers: list[Layer] = []

    def keep(self, wanted: list[Maker]) -> None:
        """Take back all from the first that isn't wanted."""
        stays = len(list(takewhile(lambda layer: layer.maker in wanted, self._layers)))
        there = {layer.maker for layer in self._layers[:stays]}
        if _is_lost() or any(maker.heavy and maker not in there for maker in wanted):
            stays = 0
        while len(self._layers) > stays:
            _undo(self._layers.pop().within)

    def add(self, wanted: list[Maker]) -> None:
        """Make what is wanted and not there; each after those that it needs."""
        there = {layer.maker for layer in self._layers}
        for maker in wanted:
            if maker not in there:
                self._make(maker)

    def _make(self, maker: Maker) -> None:
        values = self.copies()
        within = transaction.atomic()
        within.__enter__()
        try:
            make_one(maker, values)
        except BaseException:
            _undo(within)
            raise
        self._layers.append(Layer(maker, values, within))

    def copies(self) -> dict[str, Any]:
        """Of all that is there, by name; those that name each other still do."""
        return copy.deepcopy(dict(self._layers[-1].values)) if self._layers else {}


def make_one(maker: Maker, values: dict[str, Any]) -> None:
    """Make what it makes, and put it beside what there is."""
    with _true_time():
        values[maker.name] = maker.make(*(values[name] for name in maker.needs))


@contextmanager
def _true_time() -> Iterator[None]:
    """What is kept must not depend on the time that its first test pretends to have."""
    token = clock._simulated.set(None)
    try:
        yield
    finally:
        clock._simulated.reset(token)


def _is_lost() -> bool:
    """A test, or the server, has closed the connection, and with it all that was there."""
    raw = connection.connection
    return raw is None or raw.closed or connection.closed_in_transaction


def _undo(within: transaction.Atomic) -> None:
    transaction.set_rollback(True)
    within.__exit__(None, None, None)
