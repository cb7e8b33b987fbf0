"""Real processes of the product, for tests that need more than a thread."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from config.supervisor import listen
from tests.harness import nursery
from tests.harness.databases import ROOT, Clone

type Running = subprocess.Popen[bytes] | nursery.Born

PATIENCE = 30.0


def start(
    module: str,
    *words: str,
    env: dict[str, str],
    log: IO[bytes] | IO[str] | None = None,
    pass_fds: Sequence[int] = (),
    session: bool = False,
) -> Running:
    """`python -m module words`; `session`: with a process group of its own.

    A test gets it out of a nursery. Benchmarks and soaks measure one that was started by itself.
    """
    if "PYTEST_CURRENT_TEST" in os.environ and not {"WATCHBILL_SOAK"} & os.environ.keys():
        return nursery.start(module, *words, env=env, log=log, pass_fds=pass_fds, session=session)
    return subprocess.Popen(
        [sys.executable, "-m", module, *words],
        cwd=ROOT,
        env=env,
        stdout=log,
        stderr=log,
        pass_fds=pass_fds,
        start_new_session=session,
    )


@contextmanager
def web(clone: Clone, var: Path) -> Iterator[str]:
    """The web process as the supervisor starts it; ends it by SIGTERM, which it must obey."""
    with listen(None) as listener:
        port, number = listener.getsockname()[1], listener.fileno()
        with _serving(clone, var, port, ["--fd", str(number)], pass_fds=(number,)) as url:
            yield url


@contextmanager
def web_on_port(clone: Clone, var: Path) -> Iterator[str]:
    """The same, on a port that it opens itself."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with _serving(clone, var, port, ["--port", str(port)]) as url:
        yield url


@contextmanager
def _serving(
    clone: Clone, var: Path, port: int, where: list[str], pass_fds: tuple[int, ...] = ()
) -> Iterator[str]:
    env = environment(clone, var) | {"PORT": str(port)}
    process = start("config.web", *where, env=env, pass_fds=pass_fds)
    try:
        _wait_for(f"http://127.0.0.1:{port}/healthz", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            pytest.fail("the web process does not end on SIGTERM")


def environment(clone: Clone, var: Path) -> dict[str, str]:
    """What a child process needs to work on the test's database."""
    addresses = {"DATABASE_URL": clone.runtime_url, "DATABASE_OWNER_URL": clone.owner_url}
    return {**os.environ, **addresses, "WATCHBILL_VAR": str(var)}


def _wait_for(url: str, process: Running) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.05)
    pytest.fail(f"the web process does not answer (status {process.poll()})")
