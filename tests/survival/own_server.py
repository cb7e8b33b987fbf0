"""A PostgreSQL of a test's own, which it may stop, kill and fill up."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config import embedded
from config.database import parse
from config.embedded import account
from config.embedded.account import account_for
from config.embedded.place import programs
from tests.harness import databases, peers

# What is committed must survive a kill of the server, though not a loss of power.
FLAGS = ("-c fsync=off", "-c full_page_writes=off", "-c autovacuum_naptime=1h")
DATABASE = databases.Clone("watchbill")
FAKETIME = "libfaketimeMT.so.1"
LIBRARIES = (Path("/usr/lib"), Path("/usr/local/lib"))


@dataclass
class OwnServer:
    """Its folder, and the cluster that runs there."""

    home: embedded.Home
    cluster: embedded.Cluster
    flags: Sequence[str] = FLAGS

    def stop(self) -> None:
        """As an administrator does; connections are cut."""
        embedded.stop([self.home])

    def kill(self) -> None:
        """As a crash does."""
        os.kill(self.cluster.pid, signal.SIGKILL)

    def start(self) -> None:
        self.cluster = embedded.ensure([self.home], flags=self.flags)

    def connect(self, database: str = DATABASE.name) -> psycopg.Connection[Any]:
        """As superuser."""
        url = self.cluster.url("postgres", database)
        return psycopg.connect(url, autocommit=True)

    def describe(self) -> databases.Server:
        urls = (self.cluster.owner_url, self.cluster.runtime_url, self.cluster.superuser_url)
        owner, runtime, superuser = (parse("own server", url) for url in urls)
        return databases.Server(owner, runtime, superuser)


@contextmanager
def running(flags: Sequence[str] = FLAGS) -> Iterator[OwnServer]:
    """A new server that holds a copy of the tests' empty database."""
    with databases.own_home() as home:
        server = OwnServer(home, embedded.ensure([home], flags=flags), flags)
        _copy_into(server)
        yield server


@contextmanager
def clock_of_servers(file: Path) -> Iterator[None]:
    """Servers that are started meanwhile go by the clock in `file`, which must be readable to all.

    Only their wall clock: what waits by the steady clock is not disturbed, as in life.
    """
    environ = {
        "LD_PRELOAD": str(_faketime()),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",  # else each of its processes would notice at another time
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    ordinary = account._environment
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(account, "_environment", lambda: {**ordinary(), **environ})
        yield


def _faketime() -> Path:
    """Debian keeps it beside its other libraries, in a folder named after the machine."""
    peers.require("faketime")
    return next(path for base in LIBRARIES for path in base.glob(f"*/faketime/{FAKETIME}"))


def _copy_into(server: OwnServer) -> None:
    folder = programs(server.home, account_for(server.home.data))
    source = databases.make_clone()
    try:
        address = source.superuser_url or source.owner_url
        dumped = subprocess.run([folder / "pg_dump", address], capture_output=True, check=True)
        command = [str(folder / "psql"), "-q", "-v", "ON_ERROR_STOP=1"]
        command.append(server.cluster.superuser_url)
        subprocess.run(command, input=dumped.stdout, capture_output=True, check=True)
    finally:
        databases.drop_clone(source)
