"""Fixtures whose rows are made once for as many tests in a row as ask for them.

`@kept` stands for `@pytest.fixture` where a fixture does nothing but make rows, out of what other
kept ones made. In the shared database they lie below the test's own transaction, each in one of its
own. Before a test begins, what it doesn't ask for is taken back: so it finds what it asked for and
nothing else, as if all had been made for it, at the true time. It is handed copies, so that what
the test before did to its objects isn't seen.

`fresh_db` is a copy of a database in which they have been made. Where a fixture of a module opens a
database, they are made anew in it.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, overload

import pytest
from pytest_django.plugin import blocking_manager_key

from tests.harness.stage import Maker, Stage
from tests.harness.worlds import worlds

OWN_DATABASE = "fresh_db"
OPENS_DATABASE = "django_db_blocker"


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
    if _shares(request.node):
        return stage.copies()
    world = worlds.of(in_a_copy(request.node))
    return world.copies() if world else {}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture of the test, the module's included."""
    with item.config.stash[blocking_manager_key].unblock():
        stage.keep(on_stage(item))


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: Any, request: pytest.FixtureRequest) -> None:
    """Before pytest-django begins the test's own transaction."""
    if fixturedef.argname == "_django_db_helper":
        with request.config.stash[blocking_manager_key].unblock():
            stage.add(on_stage(request.node))


def on_stage(item: pytest.Item) -> list[Maker]:
    """What a test in the shared database asks for, each after those that it needs."""
    return _asked(item) if _shares(item) else []


def in_a_copy(item: pytest.Item) -> list[Maker]:
    """What has been made in the database of a test that has its own.

    With something heavy only what that stands on: what else is asked for is made in the copy.
    """
    own = _fixtures(item).get(OWN_DATABASE)
    if own is None or not own.func.__module__.startswith("tests.harness."):
        return []
    makers = _asked(item)
    below = _below(makers)
    return [maker for maker in makers if maker in below] or makers


def _asked(item: pytest.Item) -> list[Maker]:
    found: dict[Maker, None] = {}
    for name in _fixtures(item):
        _gather(item, name, found)
    below = _below(found)
    return sorted(found, key=lambda maker: maker not in below)  # in their order otherwise


def _gather(item: pytest.Item, name: str, found: dict[Maker, None]) -> bool:
    """False where a module has put a fixture of its own in the place of one that is kept."""
    maker = getattr(_fixtures(item)[name].func, "maker", None)
    if maker is None or not all(_gather(item, need, found) for need in maker.needs):
        return False
    found[maker] = None
    return True


def _below(makers: Iterable[Maker]) -> set[Maker]:
    """What is heavy, and all that it stands on."""
    named = {maker.name: maker for maker in makers}
    found: set[Maker] = set()

    def put(some: Iterable[Maker]) -> None:
        for maker in some:
            found.add(maker)
            put(named[need] for need in maker.needs)

    put(maker for maker in makers if maker.heavy)
    return found


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
