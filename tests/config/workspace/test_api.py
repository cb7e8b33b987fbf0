"""Saved views over the API."""

import pytest

from config.organisation.models import Team, User
from config.workspace.models import Preferences, SavedView
from config.workspace.operations import save_view
from incidents.catalog.models import Service
from tests.config import make
from tests.incidents import make as make_incidents

pytestmark = pytest.mark.django_db
URL = "/api/v1/saved-views/"
BODY = {"model": "incidents.incident", "name": "Open storms", "query": "attention=open&q=storm"}


@pytest.fixture
def view(alice: User, payments: Team) -> SavedView:
    return save_view(**BODY, team=payments, actor=alice)


def test_keeps_a_view(alice: User, payments: Team) -> None:
    answer = make.api(alice).post(URL, BODY | {"team": "payments"})

    assert answer.status_code == 201
    shown = answer.json()
    assert {name: shown[name] for name in BODY} == BODY
    assert (shown["owner"], shown["team"], shown["pinned"]) == ("alice", "payments", True)
    assert SavedView.objects.get().history.get().origin == "api"


@pytest.mark.parametrize(
    ("changed", "pointer", "words"),
    [
        ({"query": "nosuchfield=1"}, "#/query", "no filter 'nosuchfield'"),
        ({"query": "attention=nosuchchoice"}, "#/query", "no choice 'nosuchchoice'"),
        ({"query": "team__id__exact=x"}, "#/query", "doesn't fit"),
        ({"query": "acknowledged_by__password__startswith=a"}, "#/query", "doesn't fit"),
        ({"model": "config.ledgerentry"}, "#/model", "no such list that you may open"),
        ({"model": "no.such"}, "#/model", "no such list"),
    ],
)
def test_refuses_what_the_list_can_not_show(
    alice: User, changed: dict[str, str], pointer: str, words: str
) -> None:
    answer = make.api(alice).post(URL, BODY | changed)

    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert words in error["detail"]
    assert not SavedView.objects.exists()


def test_shows_each_caller_what_they_may_see(
    view: SavedView, alice: User, bob: User, mallory: User
) -> None:
    def names(person: User) -> list[str]:
        return [row["name"] for row in make.api(person).get(URL).json()["results"]]

    assert (names(alice), names(bob), names(mallory)) == (["Open storms"], ["Open storms"], [])
    assert make.api(mallory).get(f"{URL}{view.pk}/").status_code == 404


def test_lets_only_its_owner_and_the_commander_change_it(
    view: SavedView, alice: User, bob: User
) -> None:
    url, change = f"{URL}{view.pk}/", {"name": "Mine now"}

    refused = make.api(bob).patch(url, change, HTTP_IF_MATCH="*")
    done = make.api(alice).patch(url, change, HTTP_IF_MATCH='"v1"')

    assert (refused.status_code, done.status_code) == (403, 200)
    view.refresh_from_db()
    assert view.name == "Mine now"


def test_deletes_a_view(view: SavedView, alice: User) -> None:
    answer = make.api(alice).delete(f"{URL}{view.pk}/", HTTP_IF_MATCH='"v1"')

    assert answer.status_code == 204
    assert not SavedView.objects.exists()


def test_pins_for_the_caller(view: SavedView, bob: User) -> None:
    client = make.api(bob)

    off = client.post(f"{URL}{view.pk}/unpin/")
    kept = Preferences.of(bob).unpinned
    on = client.post(f"{URL}{view.pk}/pin/")

    assert (off.json()["pinned"], kept, on.json()["pinned"]) == (False, [view.key], True)


def test_counts_what_the_caller_may_see(
    view: SavedView, checkout: Service, alice: User, bob: User
) -> None:
    make_incidents.incident("A storm", service=checkout)
    make_incidents.incident("A secret storm", service=checkout, actor=bob, is_restricted=True)
    url = f"{URL}{view.pk}/count/"

    seen = {person: make.api(person).get(url).json() for person in (alice, bob)}

    assert seen == {alice: {"count": 1, "more": False}, bob: {"count": 2, "more": False}}


def test_says_what_is_wrong_with_a_view_that_went_stale(view: SavedView, alice: User) -> None:
    view.query = "gone__exact=1"
    view.save_as(alice, "query")

    answer = make.api(alice).get(f"{URL}{view.pk}/count/")

    assert answer.status_code == 400
    assert "no filter 'gone__exact'" in answer.json()["detail"]
