"""What the tests of access share."""

from pathlib import Path
from typing import Any

import pytest

from tests.access.world import World, make_world


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> World:
    """One row of everything, in files and keys of its own."""
    settings.SIGNING_KEY = tmp_path / "signing.pem"
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    settings.EXPORT_ROOT = tmp_path / "exports"
    return make_world()
