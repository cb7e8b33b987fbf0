"""Saved views in the admin: kept from a list, opened, renamed, shared, unpinned, deleted."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from config.organisation.models import Team, User
from config.workspace.models import Preferences, SavedView
from config.workspace.operations import save_view
from incidents.catalog.models import Service
from tests.config import make
from tests.config.adminkit import forms
from tests.incidents import make as make_incidents

pytestmark = pytest.mark.django_db
LIST = "/admin/incidents/incident/"
SAVE = "/admin/queues/save/"
QUERY = "attention=open&q=storm"


@pytest.fixture
def view(alice: User, payments: Team) -> SavedView:
    return save_view(
        model="incidents.incident", name="Storms", query=QUERY, team=payments, actor=alice
    )


@pytest.fixture
def desk(alice: User) -> Client:
    return make.browser(alice)


def page(view: SavedView, name: str = "change", *more: str) -> str:
    return reverse(f"admin:config_savedview_{name}", args=(view.pk, *more))


def said(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def in_sidebar(client: Client) -> list[str]:
    groups = client.get("/admin/").context["sidebar_navigation"]
    queues = [group["items"] for group in groups if group.get("title") == "Queues"]
    return [item["title"] for items in queues for item in items]


def test_keeps_what_the_list_shows(desk: Client, payments: Team) -> None:
    offered = desk.get(f"{LIST}?{QUERY}&p=1").context["saving"]
    values = {"model": offered["model"], "query": offered["query"], "name": "Storms"}

    answer = desk.post(SAVE, values | {"team": payments.pk})

    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}?{QUERY}")
    kept = SavedView.objects.get()
    assert (kept.name, kept.query, kept.team) == ("Storms", QUERY, payments)
    assert said(answer) == ["Saved: “Storms” stands in your sidebar and in those of Payments."]
    again = desk.get(answer["Location"])
    assert again.context["opened"].view == kept
    assert "saving" not in again.context
    assert "Storms" in in_sidebar(desk)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "Storms"}, "of this name on this list"),
        ({"query": "nosuchfield=1"}, "no filter 'nosuchfield'"),
        ({"query": "q=a\0b"}, "Null characters"),
        ({"team": "0"}, "valid choice"),
    ],
)
def test_says_why_a_view_was_not_saved(
    desk: Client, view: SavedView, changed: dict[str, str], words: str
) -> None:
    values = {"model": "incidents.incident", "query": QUERY, "name": "Other"}

    answer = desk.post(SAVE, values | changed)

    assert answer.status_code == 302
    assert words in " ".join(said(answer))
    assert SavedView.objects.get() == view


def test_saves_no_view_of_a_list_that_is_closed_to_the_visitor(desk: Client) -> None:
    values = {"model": "config.ledgerentry", "query": "q=x", "name": "Ledger"}

    assert desk.post(SAVE, values).status_code == 404


def test_shows_a_shared_view_to_the_team_alone(
    view: SavedView, bob: User, carol: User, mallory: User
) -> None:
    assert "Storms" in in_sidebar(make.browser(bob))
    assert "Storms" not in in_sidebar(make.browser(carol))
    assert "Storms" not in in_sidebar(make.browser(mallory))
    assert make.browser(mallory).get(page(view)).status_code == 404


def test_shows_in_a_shared_view_only_what_its_reader_may_see(
    view: SavedView, checkout: Service, alice: User, bob: User
) -> None:
    make_incidents.incident("A secret storm", service=checkout, actor=bob, is_restricted=True)

    def listed(person: User) -> int:
        return len(make.browser(person).get(f"{LIST}?{QUERY}").context["cl"].result_list)

    assert (listed(bob), listed(alice)) == (1, 0)


def test_renames_and_shares(desk: Client, view: SavedView) -> None:
    answer = forms.save(desk, page(view), name="Storms of the week", team="")

    assert answer.status_code == 302, forms.errors(answer)
    view.refresh_from_db()
    assert (view.name, view.team) == ("Storms of the week", None)


def test_refuses_filters_that_the_list_does_not_know(desk: Client, view: SavedView) -> None:
    answer = forms.save(desk, page(view), query="nosuchfield=1")

    assert "no filter 'nosuchfield'" in str(forms.errors(answer))


def test_lets_a_member_arrange_their_own_sidebar_only(view: SavedView, bob: User) -> None:
    client = make.browser(bob)

    assert client.post(page(view, "verb", "unpin")).status_code == 302
    assert Preferences.of(bob).unpinned == [view.key]
    assert "Storms" not in in_sidebar(client)
    assert client.post(page(view, "verb", "remove")).status_code == 403
    assert SavedView.objects.get() == view


def test_deletes_after_a_question(desk: Client, view: SavedView) -> None:
    question = desk.get(page(view, "verb", "remove"))

    answer = desk.post(page(view, "verb", "remove"))

    assert "Nobody can open it any more" in question.content.decode()
    assert answer["Location"] == "/admin/config/savedview/"
    assert not SavedView.objects.exists()


def test_keeps_preferences(desk: Client, view: SavedView, alice: User) -> None:
    shown = desk.get("/admin/preferences/")
    pinned = [entry.key for entry in shown.context["queues"] if entry.key != view.key]

    answer = desk.post("/admin/preferences/", {"pinned": pinned})

    assert answer.status_code == 302
    kept = Preferences.of(alice)
    assert (kept.list_keys, kept.unpinned) == (False, [view.key])
    assert 'data-on="no"' in desk.get(LIST).content.decode()
    assert "Storms" not in in_sidebar(desk)
