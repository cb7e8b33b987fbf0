"""Every route of API and admin, generated from the URL configuration, for a stranger.

A new route without a row fails here (`tests/access/world.py`). Each refusal is shown to be none
for a superuser, so that a 404 means "not for you" and not "not there".
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tests.access.asking import Ask, caller, visitor
from tests.access.routes import (
    ADMIN,
    ADMIN_FRAME,
    API,
    OPEN_TO_ALL,
    Call,
    admin_calls,
    admin_prefixes,
    api_calls,
    every_route,
    is_closed,
)
from tests.access.world import SECRET, World

# What everybody who may read makes for themselves.
OWN_DOORS = {"token-list", "contactmethod-list", "delegation-list"}
AUDITORS_DOORS = OWN_DOORS - {"delegation-list"} | {"auditrequest-list", "export-list"}
# What anybody who works somewhere says or tries, of nothing that is others'.
WORKERS_DOORS = OWN_DOORS | {"feedback-list", "catalogue-import-list"}
# Where auditors may press buttons: they ask for evidence.
THEIRS = ("/admin/compliance/auditrequest/",)
# A superuser sees every restricted record: there is no glass to break. Duties that are kept apart
# bind superusers too: an exception is for compliance to approve, and who signs for a side of an
# agreement speaks for it by a role.
NEEDLESS = {"break-glass-list"}
NOT_EVEN_ROOTS = {"duty-exception-approve"}
# It asks what would happen, by POST as the question is long.
ASKS_ONLY = {"escalationpolicy-simulate"}

type Wrong = dict[str, int]


def is_said_for_others(call: Call) -> bool:
    """What a superuser alone can't say in the name of others."""
    return call.name in NOT_EVEN_ROOTS or call.url.endswith(("/sign-off/", "/do/sign_off/"))


def unlike(calls: Iterable[Call], ask: Ask, *statuses: int, silent: bool = False) -> Wrong:
    """The calls that are answered by another status, or, when `silent`, by what is secret."""
    found = {}
    for call in calls:
        response = ask(call)
        tells = silent and SECRET in response.content.decode()
        if response.status_code not in statuses or tells:
            found[str(call)] = response.status_code
    return found


@pytest.fixture
def reads(world: World) -> list[Call]:
    """Lists and rows of the API."""
    return [call for call in api_calls(world) if call.method == "get"]


@pytest.fixture
def writes(world: World) -> list[Call]:
    """Everything else that the API can be asked to do."""
    return [call for call in api_calls(world) if call.method != "get"]


@pytest.fixture
def pages(world: World) -> list[Call]:
    """Every page of every admin, but those that are closed to everybody."""
    return list(admin_calls(world))


def test_leaves_no_route_out():
    routes = every_route()
    others = {route.name for route in routes if not route.path.startswith((API, ADMIN))}
    frame = {
        route.name
        for route in routes
        if route.path.startswith(ADMIN) and not route.path.startswith(tuple(admin_prefixes()))
    }

    assert others == OPEN_TO_ALL
    assert frame == ADMIN_FRAME


def test_answers_a_stranger_404_on_every_row_of_others(
    world: World, reads: list[Call], writes: list[Call]
):
    calls = [call for call in (*reads, *writes) if call.detail]

    assert unlike(calls, caller(world, "mallory"), 404) == {}
    assert len(calls) > 100


def test_shows_a_stranger_nothing_in_any_list(world: World, reads: list[Call]):
    calls = [call for call in reads if not call.detail]

    assert unlike(calls, caller(world, "mallory"), 200, silent=True) == {}


def test_lets_a_stranger_create_nothing_in_the_places_of_others(world: World, writes: list[Call]):
    calls = [call for call in writes if not call.detail and call.name not in WORKERS_DOORS]

    assert unlike(calls, caller(world, "mallory"), 400, 403, silent=True) == {}


def test_asks_everybody_without_a_token_for_one(
    world: World, reads: list[Call], writes: list[Call]
):
    client = APIClient()

    def ask(call: Call) -> Any:
        return getattr(client, call.method)(call.url)

    assert unlike([*reads, *writes], ask, 401) == {}


def test_refuses_nothing_to_a_superuser_but_what_the_state_refuses(
    world: World, reads: list[Call], writes: list[Call]
):
    root = caller(world, "root")
    creates = [call for call in writes if call.method == "post" and not call.detail]
    changes = [call for call in writes if call not in creates and not is_said_for_others(call)]
    creates = [call for call in creates if call.name not in NEEDLESS]

    assert unlike(reads, root, 200) == {}
    assert unlike(creates, root, 200, 201, 202) == {}
    assert unlike(changes, root, 200, 201, 202, 204, 400, 409) == {}
    assert {call.name for call in writes} >= NOT_EVEN_ROOTS


def test_lets_an_auditor_read_everything_that_is_not_personal(world: World, reads: list[Call]):
    calls = [call for call in reads if not is_personal(call)]
    personal = [call for call in reads if is_personal(call) and call.detail]

    assert unlike(calls, caller(world, "carol"), 200) == {}
    assert unlike(personal, caller(world, "carol"), 404) == {}


def test_lets_an_auditor_change_nothing(world: World, writes: list[Call]):
    calls = [
        call
        for call in writes
        if call.name not in AUDITORS_DOORS | ASKS_ONLY and not is_personal(call)
    ]

    assert unlike(calls, caller(world, "carol"), 403) == {}


def test_hides_the_pages_of_others_from_a_stranger(world: World, pages: list[Call]):
    rows = [call for call in pages if call.detail and not call.name.endswith("_delete")]
    posts = [replace(call, method="post") for call in rows]

    assert unlike([*rows, *posts], visitor(world, "mallory"), 404) == {}
    assert len(rows) > 100


def test_shows_a_stranger_nothing_on_any_page(world: World, pages: list[Call]):
    lists = [call for call in pages if not call.detail]

    assert unlike(lists, visitor(world, "mallory"), 200, 403, silent=True) == {}


def test_finds_a_stranger_nothing(world: World):
    searches = [*pickers(), page(f"/admin/search/?s={SECRET.lower()}"), page("/admin/")]

    found = unlike(searches, visitor(world, "mallory"), 200, 403, silent=True)

    assert found == {}
    assert SECRET in visitor(world, "root")(searches[-2]).content.decode()


def test_sends_whoever_is_not_signed_in_to_the_door(world: World, pages: list[Call]):
    client = Client()

    def ask(call: Call) -> Any:
        return client.get(call.url)

    assert unlike([*pages, *pickers()], ask, 302) == {}
    assert "/accounts/login/" in client.get(pages[0].url, follow=True).redirect_chain[-1][0]


def test_opens_every_page_to_a_superuser(world: World, pages: list[Call]):
    opened = [call for call in pages if not is_closed(call) and not is_said_for_others(call)]
    closed = [call for call in pages if call not in opened]

    assert unlike(opened, visitor(world, "root"), 200) == {}
    assert unlike(closed, visitor(world, "root"), 403, 404) == {}


def test_lets_an_auditor_read_every_page(world: World, pages: list[Call]):
    calls = [call for call in pages if call.name.endswith(("_changelist", "_change", "_history"))]
    reads = [call for call in calls if not is_closed(call) and not is_personal(call)]

    assert unlike(reads, visitor(world, "carol"), 200) == {}


def test_lets_an_auditor_press_no_button(world: World, pages: list[Call]):
    posts = [
        replace(call, method="post")
        for call in pages
        if call.name.endswith(("_change", "_verb", "_add")) and not is_personal(call)
    ]
    calls = [call for call in posts if not call.url.startswith(THEIRS)]

    assert unlike(calls, visitor(world, "carol"), 403) == {}


def page(url: str) -> Call:
    """A page that no admin lists."""
    return Call("get", url, "", detail=False)


def pickers() -> list[Call]:
    """What each picker of each admin offers for the word."""
    found = []
    for each in admin_prefixes().values():
        for name in each.autocomplete_fields:
            where = {
                "app_label": each.opts.app_label,
                "model_name": each.opts.model_name,
                "field_name": name,
                "term": SECRET.lower(),
            }
            found.append(page(f"/admin/autocomplete/?{urlencode(where)}"))
    return found


def is_personal(call: Call) -> bool:
    """Keys and addresses are one person's own, and of broken glass only compliance is told."""
    names = (
        *("token-", "contactmethod-", "config_apitoken_", "escalation_contactmethod_"),
        *("break-glass-", "config_breakglass_"),
    )
    return call.name.startswith(names)
