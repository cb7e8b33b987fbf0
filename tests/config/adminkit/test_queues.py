"""Queues ship with lists, are counted by what the visitor may see, and fail in words."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config.access.models import RoleAssignment
from config.access.operations import revoke_role
from config.adminkit.base import site
from config.adminkit.matching import rows_of
from config.adminkit.queues import COUNTED_TO, Queue
from config.organisation.models import Team, User
from config.workspace.operations import save_view
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import acknowledge
from incidents.taxonomy.models import Level
from tests.config import make
from tests.incidents import make as make_incidents

pytestmark = pytest.mark.django_db
LIST = "/admin/incidents/incident/"
COUNTS = "/admin/queues/"
SHIPPED = [(each, queue) for each in site._registry.values() for queue in each.queues]  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def nothing_kept(db: None) -> None:
    cache.clear()


def counted(client: Client) -> dict[str, str]:
    found: dict[str, str] = client.get(COUNTS).json()
    return {key.partition("/")[2]: count for key, count in found.items()}


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


@pytest.mark.parametrize(
    ("model_admin", "queue"), SHIPPED, ids=lambda each: getattr(each, "key", "")
)
def test_ships_queues_that_their_lists_can_show(model_admin: Any, queue: Queue, root: User) -> None:
    assert rows_of(model_admin, root, queue.query).count() >= 0


def test_counts_what_waits_for_whom(
    checkout: Service, tracking: Service, alice: User, bob: User, mallory: User
) -> None:
    make_incidents.incident("New", service=checkout, level=Level.CRITICAL)
    taken = make_incidents.incident("Taken", service=checkout, level=Level.INFO)
    acknowledge(taken, actor=bob)
    make_incidents.incident_in("resolved", service=checkout)
    make_incidents.incident("Elsewhere", service=tracking)

    mine = counted(make.browser(bob))
    hers = counted(make.browser(alice))
    others = counted(make.browser(mallory))

    keys = ("my-open", "my-teams", "unassigned", "major", "unclosed")
    assert [mine[key] for key in keys] == ["1", "2", "1", "1", "1"]
    assert [hers[key] for key in keys] == ["0", "2", "1", "1", "1"]
    assert [others[key] for key in keys] == ["0", "1", "1", "0", "0"]


def test_does_not_count_what_is_restricted(checkout: Service, alice: User, bob: User) -> None:
    make_incidents.incident("Secret", service=checkout, actor=bob, is_restricted=True)

    assert counted(make.browser(alice))["unassigned"] == "0"
    assert counted(make.browser(bob))["unassigned"] == "1"


def test_counts_anew_when_rights_change_though_counts_are_kept(
    checkout: Service, bob: User
) -> None:
    client = make.browser(bob)
    make_incidents.incident(service=checkout)
    before = counted(client)["unassigned"]
    make_incidents.incident(service=checkout)
    kept = counted(client)["unassigned"]

    revoke_role(RoleAssignment.objects.get(person=bob), actor=make.system(), reason="left")

    assert (before, kept) == ("1", "1")
    assert counted(client)["unassigned"] == "0"


def test_counts_to_a_hundred(checkout: Service, bob: User, monkeypatch: Any) -> None:
    monkeypatch.setattr("config.adminkit.queues.COUNTED_TO", 2)
    for _ in range(3):
        make_incidents.incident(service=checkout)

    assert COUNTED_TO == 100
    assert counted(make.browser(bob))["unassigned"] == "1+"


def test_needs_few_queries_for_counts_that_are_kept(checkout: Service, bob: User) -> None:
    client = make.browser(bob)
    client.get(COUNTS)

    with CaptureQueriesContext(connection) as queries:
        client.get(COUNTS)

    assert len(queries) <= 12
    assert not [each for each in queries if "incidents_incident" in each["sql"]]


def test_marks_the_queue_that_is_open(bob: User) -> None:
    page = make.browser(bob).get(f"{LIST}?whose=me&attention=open")

    assert page.context["opened"].title == "My open"
    groups = page.context["sidebar_navigation"]
    active = [item["title"] for group in groups for item in group["items"] if item["active"]]
    assert active == ["My open", "Incidents"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("nosuchfield=1", "no filter 'nosuchfield'"),
        ("nosuchfield__exact=1&attention=open", "no filter 'nosuchfield__exact'"),
        ("attention=gone", "The filter 'attention' has no choice 'gone' any more"),
        ("state__nosuchlookup=1", "doesn't fit"),
        ("service__id__exact=x", "doesn't fit"),
        ("acknowledged_by__password__startswith=p", "doesn't fit"),
    ],
)
def test_says_in_words_what_an_address_asks_in_vain(bob: User, query: str, words: str) -> None:
    client = make.browser(bob)

    answer = client.get(f"{LIST}?{query}")

    assert answer.status_code == 302
    assert words in said(answer)
    assert client.get(answer["Location"]).status_code == 200


def test_shows_the_first_page_where_one_is_gone(
    checkout: Service, bob: User, monkeypatch: Any
) -> None:
    monkeypatch.setattr("incidents.lifecycle.admin.IncidentAdmin.list_per_page", 1)
    for _ in range(2):
        make_incidents.incident(service=checkout)

    answer = make.browser(bob).get(f"{LIST}?attention=open&p=9")

    assert answer["Location"] == f"{LIST}?attention=open"
    assert "That page is not there any more" in said(answer)


def test_lists_nothing_of_a_team_that_the_reader_does_not_see(
    checkout: Service, tracking: Service, mallory: User, payments: Team
) -> None:
    make_incidents.incident("Elsewhere", service=tracking)

    page = make.browser(mallory).get(f"{LIST}?team__id__exact={payments.pk}")

    assert list(page.context["cl"].result_list) == []


def test_shows_no_broken_badge_for_a_view_that_went_stale(alice: User) -> None:
    view = save_view(model="incidents.incident", name="Old", query="q=x", actor=alice)
    view.query = "gone=1"
    view.save_as(alice, "query")

    assert make.browser(alice).get(COUNTS).json()[view.key] == ""
    assert make.browser(alice).get("/admin/").status_code == 200


def test_offers_no_queue_of_a_list_that_is_gone(alice: User) -> None:
    view = save_view(model="no.such", name="Old", query="q=x", actor=alice)

    assert view.key not in make.browser(alice).get(COUNTS).json()
    assert make.browser(alice).get("/admin/preferences/").status_code == 200


def test_lists_the_first_page_alone_as_live(checkout: Service, bob: User) -> None:
    assert make.browser(bob).get(LIST).context["live_url"] == f"{LIST}live/?"
    for _ in range(51):
        make_incidents.incident(service=checkout)
    assert make.browser(bob).get(f"{LIST}?p=2").context["live_url"] == ""
    assert Incident.objects.count() == 51
