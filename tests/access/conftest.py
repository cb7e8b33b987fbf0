"""What the tests of access share."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings

from tests.access.world import World, make_world


@pytest.fixture(scope="module")
def made_once(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """One row of everything, in files and keys of its own: making it costs more than most tests."""
    place = tmp_path_factory.mktemp("world")
    files = override_settings(
        SIGNING_KEY=place / "signing.pem",
        CHECKPOINT_DIR=place / "checkpoints",
        EXPORT_ROOT=place / "exports",
    )
    with files, django_db_blocker.unblock(), transaction.atomic():
        yield make_world()
        transaction.set_rollback(True)


@pytest.fixture
def world(made_once: World, db: None) -> World:
    """The same for each test of a module: what the last one did was taken back."""
    return copy.deepcopy(made_once)
