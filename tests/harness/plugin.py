"""Fixtures that every test can use: databases by cloning, a live site, outside programs."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.test import override_settings
from pytest_django.live_server_helper import LiveServer

from config import clock, garbage
from tests.harness import databases, kept, network, peers, processes, shares
from tests.harness.worlds import worlds

type Blocker = Any  # pytest_django keeps its class private


class QuickPasswords(PBKDF2PasswordHasher):
    """As by default, but once instead of a million times."""

    iterations = 1


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Blocker) -> Iterator[None]:
    """One clone per worker process, in which the tests marked django_db roll themselves back."""
    with django_db_blocker.unblock():
        databases.drop_leftovers()
        clone = databases.make_clone()
    with databases.pointed_at(clone):
        yield
        with django_db_blocker.unblock():
            kept.stage.keep([])
            worlds.keep(0)
    databases.drop_clone(clone)


@pytest.fixture
def fresh_db(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Blocker
) -> Iterator[databases.Clone]:
    """A database of its own for a test that commits, uses threads or starts processes.

    Kept fixtures that the test asks for have been made in it.
    """
    with django_db_blocker.unblock():
        world = worlds.of(kept.in_a_copy(request.node))
        clone = databases.make_clone(world.clone if world else None)
        with databases.pointed_at(clone):
            yield clone
        databases.drop_clone(clone)


@pytest.fixture
def live_site(fresh_db: databases.Clone) -> Iterator[str]:
    """The URL of Django's part of the site, served by a thread out of `fresh_db`."""
    site = LiveServer("localhost")
    yield str(site.url)
    site.stop()


@pytest.fixture
def live_web(fresh_db: databases.Clone, tmp_path: Path) -> Iterator[str]:
    """The URL of the real web process, raw ASGI handlers included, out of `fresh_db`."""
    with processes.web(fresh_db, tmp_path) as url:
        yield url


@pytest.fixture
def superuser_dsn(request: pytest.FixtureRequest) -> str:
    """A superuser's address of the test's database, for tests that tamper with it."""
    if databases.server().superuser is None:
        pytest.skip("set WATCHBILL_TEST_SUPERUSER_URL: this test tampers as a superuser")
    request.getfixturevalue("django_db_setup")
    address = databases.current().superuser_url
    assert address is not None
    return address


@pytest.fixture
def peer() -> Callable[[str], Path]:
    """`peer("chromium")`: the path of an outside program; without it the test ends here."""
    return peers.require


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """`eventually(lambda: condition)`: wait until it is true, at most `within` seconds.

    On a machine that has more to do than processors, as much longer as it is busy. `but` tells
    what stands against it.
    """

    def wait(
        condition: Callable[[], Any],
        *,
        within: float = 15.0,
        but: Callable[[], object] = lambda: "",
    ) -> Any:
        began = time.monotonic()
        while not (answer := condition()):
            if time.monotonic() - began > within * busy():
                pytest.fail(f"not true within {within} s {but()}")
            time.sleep(0.02)
        return answer

    return wait


def busy() -> float:
    """By how much everything takes longer than on an idle machine; 1 to 4."""
    return min(max(os.getloadavg()[0] / (os.cpu_count() or 1), 1.0), 4.0)


@pytest.fixture(autouse=True)
def unheard_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier test heard of the database's clock must not correct this one's."""
    monkeypatch.setattr(clock, "_heard", None)


@pytest.fixture(autouse=True, scope="session")
def closed_network() -> Iterator[None]:
    """No test leaves this machine."""
    with network.closed():
        yield


@pytest.fixture(autouse=True, scope="session")
def quick_passwords() -> Iterator[None]:
    """What makes guessing slow makes tests slow. The processes they start read these as well."""
    quick = f"{__name__}.{QuickPasswords.__name__}"
    with override_settings(PASSWORD_HASHERS=[quick, *settings.PASSWORD_HASHERS]):
        yield


@pytest.fixture(autouse=True, scope="session")
def static_folder() -> None:
    """Of one that isn't there Django's part warns whenever it begins, a thousand times a run."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """`-n auto`: one more than processors, as some tests mostly wait for others' processes."""
    if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return None
    return (os.cpu_count() or 1) + 1


def pytest_collection_finish() -> None:
    """As a process of the product does once it is up."""
    garbage.settle()


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("peer"):
        peers.require(*mark.args)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse flushing tests: history is append-only, so there is nothing that could be flushed."""
    items[:] = shares.ordered(items, getattr(config, "workerinput", {}).get("workercount", 1))
    for item in items:
        mark = item.get_closest_marker("django_db")
        if mark and (mark.kwargs.get("transaction") or any(mark.args)):
            raise pytest.UsageError(
                f"{item.nodeid}: use the fixture fresh_db, not transaction=True"
            )


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for name in sorted(peers.missing_in(terminalreporter)):
        terminalreporter.write_line(
            f"peer {name} is not installed: its tests were skipped", yellow=True
        )
