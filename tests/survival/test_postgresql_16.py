"""The oldest server that the wheel carries: migrations, the ledger and workers hold there too.

Part of the suite runs again in a process of its own, on a test server of that version. The whole
suite does with WATCHBILL_TEST_PG=16.
"""

import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest

from config import embedded
from config.embedded.place import TESTS, homes
from tests.harness.databases import FLAGS, ROOT

OLDEST = 16
LONGEST = 300
PARTS = [
    "tests/config/audit/test_install.py",
    "tests/config/audit/test_purge.py",
    "tests/config/audit/test_sealing.py",
    "tests/config/audit/test_verify.py",
    "tests/properties/test_ledger_tampering.py",
    "tests/concurrency/test_alert_floods.py::test_loses_and_doubles_nothing_between_workers",
    "tests/concurrency/test_alert_floods.py"
    "::test_keeps_sources_from_waiting_for_each_other_in_a_circle",
    "tests/concurrency/test_worker_life.py::test_never_does_one_row_in_two_workers",
]


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server of that version; stopped again where nobody else had started it."""
    if os.environ.get("DATABASE_URL") or os.environ.get("WATCHBILL_TEST_PG"):
        pytest.skip("this run was told on which PostgreSQL to run")
    places = homes(os.environ, TESTS, OLDEST)
    was_running = embedded.find(places) is not None
    yield embedded.ensure(places, flags=FLAGS).superuser_url
    if not was_running:
        embedded.stop(places)


@pytest.mark.slow
@pytest.mark.timeout(2 * LONGEST)
def test_keeps_the_ledger_and_does_everything_once_on_the_oldest_server(server: str) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider", "-q"]
    command.append(f"--timeout={LONGEST}")  # the first of them migrates a whole database
    alone = {name: value for name, value in os.environ.items() if "PYTEST" not in name}

    done = subprocess.run(
        [*command, *PARTS],
        cwd=ROOT,
        env={**alone, "WATCHBILL_TEST_PG": str(OLDEST)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-4000:]
    with psycopg.connect(server) as connection:
        assert connection.info.server_version // 10000 == OLDEST
