"""A filled installation to back up, and empty databases to restore into."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from config import clock
from config.audit.sealing import seal
from config.backup.targets import Target, at
from config.due import installation
from config.due.models import Channel
from config.due.operations import schedule, send_later
from config.organisation.models import User
from tests.config.due import effects
from tests.harness import databases
from tests.harness.databases import Clone
from tests.incidents import make

__all__ = ["effects"]


@pytest.fixture
def files(settings: Any, tmp_path: Path) -> Path:
    """Key, checkpoints and the machine's memory of its installation, in the test's folder."""
    settings.SIGNING_KEY = tmp_path / "keys" / "signing.pem"
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    settings.VAR = tmp_path
    return tmp_path


@pytest.fixture
def filled(fresh_db: Clone, files: Path) -> Clone:
    """Incidents in several states, a timer, mail that waits, a log partly sealed."""
    installation.confirm()
    installation.beat("a worker", clock.now())
    service = make.service("checkout", tier=1)
    for state in ("new", "investigating", "resolved"):
        make.incident_in(state, service=service)
    seal()
    make.incident(service=service)
    system = User.objects.system()
    for name in ("a", "b", "c"):
        send_later("test.message", system, channel=Channel.MAIL, address=f"{name}@example.org")
    schedule("test.bump", system, clock.now(), key="backup")
    return fresh_db


@pytest.fixture
def plain(fresh_db: Clone, files: Path) -> Clone:
    """Hardly a row, where it doesn't matter what is in a backup."""
    make.triage_team()
    return fresh_db


@pytest.fixture
def empty() -> Iterator[Callable[[], Target]]:
    """Makes new databases of the owner role, without a table."""
    made: list[Clone] = []

    def create() -> Target:
        clone = Clone(f"wb_test_{os.getpid()}_empty{len(made)}")
        with databases.server().connect(databases.server().owner) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(clone.name)))
        made.append(clone)
        return at(clone.owner_url)

    yield create
    for clone in made:
        databases.drop_clone(clone)
