"""What the tests of access share."""

import logging
from collections.abc import Iterator

import pytest
from django.test import override_settings

from tests.access.world import World, make_world
from tests.harness.kept import kept


@pytest.fixture(autouse=True, scope="package")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keys, checkpoints and exports of the world, which outlives a test."""
    place = tmp_path_factory.mktemp("world")
    with override_settings(
        SIGNING_KEY=place / "signing.pem",
        CHECKPOINT_DIR=place / "checkpoints",
        EXPORT_ROOT=place / "exports",
    ):
        yield


@kept(heavy=True)
def world() -> World:
    """One row of everything: making it costs more than most tests."""
    return make_world()


@pytest.fixture(autouse=True)
def unlogged(caplog: pytest.LogCaptureFixture) -> None:
    """Thousands of refusals are asked for here; writing each down takes a tenth of its time."""
    caplog.set_level(logging.ERROR, logger="django.request")
