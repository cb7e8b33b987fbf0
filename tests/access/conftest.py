"""What the tests of access share."""

import copy
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from tests.access.world import World, make_world
from tests.harness import databases


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
    with files, databases.for_several_tests(django_db_blocker):
        yield make_world()


@pytest.fixture(autouse=True)
def unlogged(caplog: pytest.LogCaptureFixture) -> None:
    """Thousands of refusals are asked for here; writing each down takes a tenth of its time."""
    caplog.set_level(logging.ERROR, logger="django.request")


@pytest.fixture
def world(made_once: World, db: None) -> World:
    """The same for each test of a module: what the last one did was taken back."""
    return copy.deepcopy(made_once)
