"""Fixtures whose rows are made once for as many tests in a row as ask for them.

`@kept` stands for `@pytest.fixture` where a fixture does nothing but make rows, out of what other
kept ones made. In the shared database they lie below the test's own transaction, each in one of its
own. Before a test begins, what it doesn't ask for is taken back: so it finds what it asked for and
nothing else, as if all had been made for it, at the true time. It is handed copies, so that what
the test before did to its objects isn't seen.

A test with a database of its own (`fresh_db`, or a fixture of its module) has them made anew.
"""

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import Any, overload

import pytest
from django.db import connection, transaction
from pytest_django.plugin import blocking_manager_key

from config import clock

OWN_DATABASE = "fresh_db"
OPENS_DATABASE = "django_db_blocker"


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
            with _true_time():
                values[maker.name] = maker.make(*(values[name] for name in maker.needs))
        except BaseException:
            _undo(within)
            raise
        self._layers.append(Layer(maker, values, within))

    def copies(self) -> dict[str, Any]:
        """Of all that is there, by name; those that name each other still do."""
        return copy.deepcopy(dict(self._layers[-1].values)) if self._layers else {}


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


stage = Stage()


@overload
def kept(make: Callable[..., Any]) -> Any: ...
@overload
def kept(*, autouse: bool = ..., heavy: bool = ...) -> Callable[[Callable[..., Any]], Any]: ...
def kept(
    make: Callable[..., Any] | None = None, *, autouse: bool = False, heavy: bool = False
) -> Any:
    """A fixture of what `make` makes; its parameters name the kept fixtures that it needs.

    What is `heavy` lies below all others, so that it isn't taken back for the sake of one of them.
    """
    if make is None:
        return partial(kept, autouse=autouse, heavy=heavy)
    maker = Maker(make.__name__, make, tuple(inspect.signature(make).parameters), heavy)

    def given(handed_out: Mapping[str, Any], **needs: Any) -> Any:
        return handed_out[maker.name] if maker.name in handed_out else make(**needs)

    names = ("handed_out", *maker.needs)
    given.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what pytest reads
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    )
    given.__name__, given.__doc__, given.__module__ = make.__name__, make.__doc__, make.__module__
    given.maker = maker  # type: ignore[attr-defined]
    return pytest.fixture(given, autouse=autouse)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> None:
    """`fresh_db` for a test that asks for it, else the shared one, rolled back afterwards."""
    request.getfixturevalue(OWN_DATABASE if OWN_DATABASE in request.fixturenames else "db")


@pytest.fixture
def handed_out(request: pytest.FixtureRequest, database: None) -> Mapping[str, Any]:
    """Copies of what is kept for this test; nothing where it has its own made."""
    return stage.copies() if _shares(request.node) else {}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture of the test, the module's included."""
    with item.config.stash[blocking_manager_key].unblock():
        stage.keep(wanted(item))


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: Any, request: pytest.FixtureRequest) -> None:
    """Before pytest-django begins the test's own transaction."""
    if fixturedef.argname == "_django_db_helper":
        with request.config.stash[blocking_manager_key].unblock():
            stage.add(wanted(request.node))


def wanted(item: pytest.Item) -> list[Maker]:
    """What the test asks for, each after those that it needs."""
    found: dict[Maker, None] = {}
    if _shares(item):
        for name in _fixtures(item):
            _gather(item, name, found)
    return sorted(found, key=lambda maker: not maker.heavy)  # in their order otherwise


def _gather(item: pytest.Item, name: str, found: dict[Maker, None]) -> bool:
    """False where a module has put a fixture of its own in the place of one that is kept."""
    maker = getattr(_fixtures(item)[name].func, "maker", None)
    if maker is None or not all(_gather(item, need, found) for need in maker.needs):
        return False
    found[maker] = None
    return True


def _shares(item: pytest.Item) -> bool:
    fixtures = _fixtures(item)
    return OWN_DATABASE not in fixtures and not any(
        OPENS_DATABASE in each.argnames and each.func.__module__.startswith("tests.")
        for each in fixtures.values()
        if each.scope in ("module", "package")
    )


def _fixtures(item: pytest.Item) -> dict[str, Any]:
    """By name, those that the test will be given."""
    known = getattr(item, "_fixtureinfo", None)
    return (
        {} if known is None else {name: each[-1] for name, each in known.name2fixturedefs.items()}
    )
