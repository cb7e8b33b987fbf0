"""`manage.py up` and `manage.py pg`, from outside."""

import json
import os
import socket
import subprocess
import sys

import pytest

from config.embedded.place import CHECKOUT


@pytest.fixture
def manage(tmp_path):
    def run(*words, **environment):
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=CHECKOUT,
            env={**os.environ, "WATCHBILL_VAR": str(tmp_path), **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def busy_port():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield str(holder.getsockname()[1])


def test_ends_with_1_when_the_port_of_the_environment_is_busy(manage, busy_port, tmp_path):
    done = manage("up", "--demo", PORT=busy_port)

    assert done.returncode == 1
    assert f"Port {busy_port} can't be used" in done.stderr
    assert not (tmp_path / "demo.json").exists()


def test_ends_with_1_when_the_port_of_the_option_is_busy(manage, busy_port):
    done = manage("up", "--port", busy_port, PORT="")

    assert done.returncode == 1
    assert "choose another with PORT or --port" in done.stderr


def test_explains_a_port_that_is_no_number(manage):
    done = manage("up", PORT="http")

    assert done.returncode == 1
    assert "PORT is 'http'" in done.stderr


def test_shows_an_embedded_server_that_never_ran(manage, tmp_path):
    status = manage("pg", "status", WATCHBILL_PGDATA=str(tmp_path / "none"))
    machine = manage("pg", "status", "--json", WATCHBILL_PGDATA=str(tmp_path / "none"))
    stopped = manage("pg", "stop", WATCHBILL_PGDATA=str(tmp_path / "none"))

    assert (status.returncode, status.stdout) == (0, "PostgreSQL is stopped\n")
    assert json.loads(machine.stdout) == {"running": False, "pid": None}
    assert (stopped.returncode, stopped.stdout) == (0, "PostgreSQL was not running\n")
    assert not (tmp_path / "none").exists()
