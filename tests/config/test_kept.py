"""Fixtures that several tests in a row share, of which each sees only what it asked for."""

from collections.abc import Iterator

import pytest
from django.db import connection

from config.organisation.models import BusinessUnit, Team, User
from tests.config import make
from tests.harness.kept import Maker, Stage, kept


def _near() -> BusinessUnit:
    return make.unit("near")


def _renamed(near: BusinessUnit) -> BusinessUnit:
    near.name = "Far"
    return near.save_as(make.system())


NEAR = Maker("near", _near, (), heavy=False)
RENAMED = Maker("renamed", _renamed, ("near",), heavy=False)
LONER = Maker("loner", lambda: make.user("loner"), (), heavy=False)
WORLD = Maker("world", lambda: make.unit("world"), (), heavy=True)


@pytest.fixture
def stage(database: None) -> Iterator[Stage]:
    """One of the test's own."""
    made = Stage()
    yield made
    made.keep([])


def turn(stage: Stage, *wanted: Maker) -> dict[str, int]:
    """What a test that wants these finds: keys by name."""
    stage.keep(list(wanted))
    stage.add(list(wanted))
    return {name: row.pk for name, row in stage.copies().items()}


def test_is_there_still_for_the_next_test_that_wants_it(stage: Stage):
    first = turn(stage, NEAR)
    second = turn(stage, NEAR, LONER)

    assert second["near"] == first["near"]
    assert User.objects.filter(username="loner").exists()


def test_is_taken_back_before_a_test_that_does_not_want_it(stage: Stage):
    turn(stage, NEAR, LONER)

    assert turn(stage, LONER).keys() == {"loner"}
    assert not BusinessUnit.objects.filter(key="near").exists()
    assert turn(stage) == {}
    assert not User.objects.filter(username="loner").exists()


def test_is_handed_out_as_it_was_made(stage: Stage):
    turn(stage, NEAR)
    stage.copies()["near"].name = "Elsewhere"
    turn(stage, NEAR, RENAMED)
    assert {each.name for each in stage.copies().values()} == {"Far"}

    turn(stage, NEAR)

    assert stage.copies()["near"].name == "Near" == BusinessUnit.objects.get(key="near").name


def test_lies_below_what_is_made_faster(stage: Stage):
    turn(stage, NEAR)
    before = turn(stage, WORLD, NEAR)

    assert turn(stage, WORLD, LONER)["world"] == before["world"]


def test_is_made_anew_after_the_connection_was_lost(fresh_db, stage: Stage):
    turn(stage, NEAR, LONER)
    connection.close()

    assert turn(stage, NEAR).keys() == {"near"}
    assert BusinessUnit.objects.filter(key="near").exists()


@kept
def guild(retail: BusinessUnit) -> Team:
    return make.team("guild", unit=retail)


def test_names_the_same_objects_as_the_others_do(guild: Team, retail: BusinessUnit):
    assert guild.unit is retail


def test_is_made_in_a_database_of_its_own(fresh_db, guild: Team):
    assert Team.objects.get() == guild
