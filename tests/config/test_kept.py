"""Fixtures that several tests in a row share, of which each sees only what it asked for."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from config.organisation.models import BusinessUnit, Team, User
from tests.config import make
from tests.harness import databases
from tests.harness.kept import kept
from tests.harness.stage import Maker, Stage
from tests.harness.worlds import World, Worlds


def _near() -> BusinessUnit:
    return make.unit("near")


def _renamed(near: BusinessUnit) -> BusinessUnit:
    near.name = "Far"
    return near.save_as(make.system())


NAMES = ("near", "far")
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


@kept(heavy=True)
def league(guild: Team) -> dict[str, Team]:
    return {"first": guild}


def test_makes_first_what_something_heavy_needs(league: dict[str, Team], guild: Team):
    assert league["first"] is guild
    assert Team.objects.get() == guild


@pytest.fixture
def there(fresh_db) -> bool:
    """Before any fixture but the database is asked for."""
    return Team.objects.filter(key="guild").exists()


def test_is_there_in_a_database_of_its_own(there: bool, league: dict[str, Team], guild: Team):
    assert there
    assert league["first"] is guild
    assert Team.objects.get() == guild


@pytest.fixture
def worlds(fresh_db) -> Iterator[Worlds]:
    """Two at once."""
    made = Worlds(room=2)
    yield made
    made.keep(0)


@contextmanager
def copy_of(world: World | None) -> Iterator[None]:
    """Work in one."""
    assert world is not None
    clone = databases.make_clone(world.clone)
    with databases.pointed_at(clone):
        yield
    databases.drop_clone(clone)


def test_is_copied_as_it_was_made(worlds: Worlds):
    with copy_of(worlds.of([NEAR])):
        BusinessUnit.objects.get(key="near")
        make.unit("far")
    with copy_of(worlds.of([NEAR])):
        assert [each.key for each in BusinessUnit.objects.filter(key__in=NAMES)] == ["near"]
    assert not BusinessUnit.objects.filter(key__in=NAMES).exists()


def test_is_made_once_for_all_copies(worlds: Worlds):
    first = worlds.of([NEAR, LONER])

    assert worlds.of([LONER, NEAR]) is first
    assert worlds.of([LONER]) is not first
    assert worlds.of([]) is None


def test_makes_room_for_what_is_asked_for_later(worlds: Worlds):
    oldest, recent = worlds.of([NEAR]), worlds.of([LONER])
    worlds.of([WORLD])

    assert worlds.of([LONER]) is recent
    assert worlds.of([NEAR]) is not oldest
