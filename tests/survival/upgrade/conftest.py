"""An installation of the last release, and its database under the present code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import databases
from tests.harness.databases import Clone
from tests.survival.upgrade.old_code import OldCode, old_code
from tests.survival.upgrade.old_data import Left, empty_database, filled_installation
from tests.survival.upgrade.releases import LAST


@pytest.fixture
def old() -> OldCode:
    """The code of the last release."""
    return old_code(LAST)


@pytest.fixture
def left(
    old: OldCode, django_db_setup: None, django_db_blocker: Any, tmp_path: Path
) -> Iterator[Left]:
    """What an installation of the last release left behind, not yet migrated."""
    with django_db_blocker.unblock(), filled_installation(old, tmp_path) as found:
        yield found


@pytest.fixture
def taken_over(
    old: OldCode, django_db_setup: None, django_db_blocker: Any, tmp_path: Path, settings: Any
) -> Iterator[Left]:
    """The same, migrated, with this process pointed at its database, keys and checkpoints."""
    with (
        django_db_blocker.unblock(),
        filled_installation(old, tmp_path, migrated=True) as found,
        databases.pointed_at(found.database),
    ):
        settings.VAR = found.var
        settings.SIGNING_KEY = found.var / "keys" / "signing.pem"
        settings.CHECKPOINT_DIR = found.var / "checkpoints"
        settings.SECRET_KEY = (found.var / "keys" / "secret").read_text()
        yield found


@pytest.fixture
def migrated(old: OldCode, django_db_setup: None, django_db_blocker: Any) -> Iterator[Clone]:
    """The release's tables, without a row, migrated by the present code."""
    with (
        django_db_blocker.unblock(),
        empty_database(old, migrated=True) as clone,
        databases.pointed_at(clone),
    ):
        yield clone
