"""Processes that tests start out of a nursery are what they would be if started themselves."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import nursery, processes
from tests.harness.databases import ROOT, Clone

MODULE = "tests.config.born"

type Bear = Callable[..., processes.Running]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def environ(fresh_db: Clone, tmp_path: Path) -> dict[str, str]:
    given = {"WATCHBILL_LEASE_SECONDS": "7", "WATCHBILL_SECRET_KEY": "of nobody else"}
    return processes.environment(fresh_db, tmp_path) | given


@pytest.fixture
def bear(environ: dict[str, str], log: Path) -> Bear:
    def start(*words: str, **options: Any) -> processes.Running:
        with log.open("w") as output:
            return nursery.start(MODULE, *words, **{"env": environ, "log": output, **options})

    return start


def started_by_itself(environ: dict[str, str], *words: str) -> Any:
    command = [sys.executable, "-m", MODULE, *words]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, check=True)
    return json.loads(done.stdout)


def test_find_what_one_finds_that_was_started_by_itself(
    bear: Bear, environ: dict[str, str], log: Path, fresh_db: Clone
) -> None:
    bear("0").wait(30)

    found = json.loads(log.read_text())
    assert found == started_by_itself(environ, "0")
    assert (found["lease"], found["database"]) == (7.0, fresh_db.name)
    assert (set(found["signs"]), found["collects"]) == ({"of nobody else"}, True)


def test_read_nothing_of_those_before(bear: Bear, environ: dict[str, str], log: Path) -> None:
    bear("0").wait(30)
    bear("0", env=environ | {"WATCHBILL_LEASE_SECONDS": "8"}).wait(30)
    assert json.loads(log.read_text())["lease"] == 8.0

    bear("0", env={k: v for k, v in environ.items() if k != "WATCHBILL_LEASE_SECONDS"}).wait(30)

    assert json.loads(log.read_text())["lease"] == 60.0


@pytest.mark.parametrize("status", [0, 3])
def test_end_as_they_say(bear: Bear, status: int) -> None:
    process = bear(str(status))

    assert process.wait(30) == status == process.poll()


def test_die_at_their_place_each(bear: Bear, environ: dict[str, str]) -> None:
    armed = environ | {"WATCHBILL_FAULT": "here"}

    ended = [bear("die", env=env).wait(30) for env in (armed, environ, armed)]

    assert ended == [-signal.SIGKILL, 0, -signal.SIGKILL]


def test_live_until_they_are_ended(bear: Bear, eventually: Callable[..., Any], log: Path) -> None:
    process = bear("wait", session=True)
    eventually(log.read_text)

    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    assert json.loads(log.read_text())["leads"]
    os.killpg(process.pid, signal.SIGTERM)

    assert process.wait(30) == -signal.SIGTERM
    process.kill()  # which finds nobody


def test_lead_their_group_from_the_beginning(bear: Bear) -> None:
    for _ in range(20):
        process = bear("wait", session=True)
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL


def test_may_end_while_they_are_sent_a_signal(bear: Bear) -> None:
    for _ in range(10):
        process = bear("wait")
        os.kill(process.pid, signal.SIGKILL)
        while process.poll() is None:
            process.send_signal(0)
        assert process.returncode == -signal.SIGKILL


def test_hold_what_they_are_handed(bear: Bear) -> None:
    heard, said = os.pipe()

    bear("tell", str(said), pass_fds=(said,)).wait(30)
    os.close(said)

    with os.fdopen(heard, "rb") as pipe:
        assert pipe.read() == b"heard"


def test_tell_of_an_error_as_python_does(bear: Bear, log: Path) -> None:
    assert bear("neither").wait(30) == 1

    assert "ValueError: invalid literal for int()" in log.read_text()
