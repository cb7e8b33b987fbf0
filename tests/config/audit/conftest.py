"""A log of its own for each test: keys and checkpoints in a folder of the test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

type Superuser = psycopg.Connection[Any]


@pytest.fixture
def log_files(settings: Any, tmp_path: Path) -> Path:
    """Where the key and the outside checkpoints of this test are."""
    settings.SIGNING_KEY = tmp_path / "keys" / "signing.pem"
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    return tmp_path


@pytest.fixture
def vandal(fresh_db: Any, superuser_dsn: str, log_files: Path) -> Iterator[Superuser]:
    """A superuser's connection on which no trigger fires."""
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection
