"""The database restarts, crashes, cuts connections or has no room left: refused, never lost."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from incidents.alerts.models import RawPayload
from tests.harness import databases
from tests.survival.fleet import Fleet
from tests.survival.own_server import DATABASE, OwnServer
from tests.survival.reckoning import Quiet, faults
from tests.survival.storm import Phone, Responder, Storm, post

pytestmark = pytest.mark.slow
SMALL_DISK = "96m"


@pytest.fixture
def fresh_db(server: OwnServer) -> Iterator[databases.Clone]:
    """The database of that server, in place of one on the server that all tests share."""
    with databases.pointed_at(DATABASE):
        yield DATABASE


def settled(quiet: Quiet, storm: Storm, phone: Phone, responder: Responder) -> list[str]:
    """What is wrong when everything has come to rest."""
    quiet(60)
    responder.finish()
    quiet(30)
    # Each cut may come between a provider's answer and our note of it, as a kill does.
    return faults(storm, phone, responder, kills=3)


def test_goes_on_after_restart_crash_and_cut_connections(
    server: OwnServer,
    fleet: Fleet,
    storm: Storm,
    phone: Phone,
    responder: Responder,
    eventually: Callable[..., Any],
    quiet: Quiet,
) -> None:
    fleet.start_all("one")
    connections.close_all()

    with storm.raging():
        eventually(lambda: len(storm.accepted) > 15)
        with server.connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        eventually(lambda: len(storm.accepted) > 40)
        server.stop()
        eventually(lambda: storm.statuses[503] > 3)
        link = post(f"{fleet.url}/r/{'a' * 46}", b"action=acknowledge")
        server.start()
        eventually(lambda: len(storm.accepted) > 70)
        server.kill()
        server.start()

    connections.close_all()
    assert set(storm.statuses) <= {202, 503}
    assert link.status == 503
    assert link.is_clear
    assert settled(quiet, storm, phone, responder) == []


@contextmanager
def small_disk() -> Iterator[Path]:
    """A disk with little room; only root can mount one."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounts a small disk for the database: run it as root")
    folder = Path("/mnt") / f"wb-small-{os.getpid()}"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(folder)]
    mounted = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    try:
        if mounted.returncode != 0:
            pytest.skip(f"mounts a small disk for the database: {mounted.stderr.strip()}")
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)
        folder.rmdir()


def move_to(server: OwnServer, disk: Path) -> None:
    """All tables and indexes there; the server's log of changes stays where it was."""
    home = disk / "tables"
    home.mkdir()
    owner = server.home.data.stat()
    os.chown(home, owner.st_uid, owner.st_gid)
    connections.close_all()
    with server.connect("postgres") as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{home}'")
        connection.execute("ALTER DATABASE watchbill SET TABLESPACE small")


def fill(disk: Path) -> Path:
    """Take all the room that is left."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        try:
            while True:
                file.write(bytes(65536))
                file.flush()
        except OSError:
            return ballast


def test_refuses_clearly_when_the_disk_is_full_and_loses_nothing(
    server: OwnServer,
    fleet: Fleet,
    storm: Storm,
    phone: Phone,
    responder: Responder,
    eventually: Callable[..., Any],
    quiet: Quiet,
) -> None:
    with small_disk() as disk:
        move_to(server, disk)
        fleet.start_all("one")
        with storm.raging():
            eventually(lambda: len(storm.accepted) > 30)
            ballast = fill(disk)
            eventually(lambda: storm.statuses[503] > 10)
            stored = RawPayload.objects.count()
            # It can't be compressed, so it finds no room between the rows that are there.
            large = post(storm.url, json.dumps({"title": os.urandom(50_000).hex()}).encode())
            time.sleep(1)  # a while in which the worker fails at whatever it tries
            ballast.unlink()

        assert large.status == 503
        assert large.headers["retry-after"] == "5"
        assert stored < len(storm.accepted)
        assert set(storm.statuses) <= {202, 503}
        assert settled(quiet, storm, phone, responder) == []
        connections.close_all()
        fleet.end()
        server.stop()
