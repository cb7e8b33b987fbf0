"""Fixtures that several tests in a row share, of which each sees only what it asked for."""

import pytest

from config.organisation.models import BusinessUnit, Team, User
from tests.config import make
from tests.harness.kept import kept, stage

PARENTS: list[int] = []


@kept
def near() -> BusinessUnit:
    return make.unit("near")


@kept
def guild(near: BusinessUnit) -> Team:
    return make.team("guild", unit=near)


@kept
def loner() -> User:
    return make.user("loner")


def there() -> list[str]:
    return [each.maker.name for each in stage._layers]


@pytest.mark.django_db
@pytest.mark.parametrize("again", [False, True])
def test_is_made_once_and_handed_out_as_it_was(near: BusinessUnit, again: bool):
    PARENTS.append(near.pk)
    assert near.name == "Near"

    near.name = "Far"
    near.save_as(make.system())

    assert BusinessUnit.objects.get(key="near").name == "Far"
    assert set(PARENTS) == {near.pk}


@pytest.mark.django_db
def test_adds_to_what_is_there(near: BusinessUnit, guild: Team):
    assert guild.unit is near
    assert BusinessUnit.objects.get(key="near").name == "Near"
    assert near.pk in PARENTS
    assert there() == ["near", "guild"]


@pytest.mark.django_db
def test_takes_back_what_is_not_asked_for(loner: User):
    assert not BusinessUnit.objects.filter(key="near").exists()
    assert there() == ["loner"]


@pytest.mark.django_db
def test_leaves_nothing_to_a_test_that_asks_for_nothing():
    assert not User.objects.filter(username="loner").exists()
    assert there() == []


def test_is_made_anew_in_a_database_of_its_own(fresh_db, guild: Team):
    assert Team.objects.get() == guild
    assert there() == []
