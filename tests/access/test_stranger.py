"""Every route of API and admin, generated from the URL configuration, for a stranger.

A new route without a row fails here (`tests/access/world.py`). Each refusal is shown to be none
for a superuser, so that a 404 means "not for you" and not "not there".

Who is answered by which status is read from the permission table, all of which is asked for by
`test_permissions`: here stands what must be true of it. What is said is asked for.
"""

from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from django.test import Client

from tests.access.asking import Ask, caller, one_frame, visitor
from tests.access.permissions import ANONYMOUS, SHOWN_ONLY, label, read
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


def unlike(calls: Iterable[Call], persona: str, *statuses: int) -> Wrong:
    """The calls that the persona is answered by another status, as the table has it."""
    table = read()
    answered = {str(call): table[label(call)][persona] for call in calls}
    return {call: status for call, status in answered.items() if status not in statuses}


def telling(calls: Iterable[Call], ask: Ask, *statuses: int) -> Wrong:
    """The calls that are answered by what is secret, or by another status."""
    found = {}
    for call in calls:
        response = ask(call)
        if response.status_code not in statuses or SECRET in response.content.decode():
            found[str(call)] = response.status_code
    return found


def unopened(calls: Iterable[Call], ask: Ask) -> Wrong:
    """The pages that can't be shown, all of which are rendered."""
    answered = {str(call): ask(call).status_code for call in calls}
    return {call: status for call, status in answered.items() if status != 200}


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


def test_answers_a_stranger_404_on_every_row_of_others(reads: list[Call], writes: list[Call]):
    calls = [call for call in (*reads, *writes) if call.detail]

    assert unlike(calls, "stranger", 404) == {}
    assert len(calls) > 100


def test_shows_a_stranger_nothing_in_any_list(world: World, reads: list[Call]):
    calls = [call for call in reads if not call.detail]

    assert telling(calls, caller(world, "mallory"), 200) == {}


def test_lets_a_stranger_create_nothing_in_the_places_of_others(world: World, writes: list[Call]):
    calls = [call for call in writes if not call.detail and call.name not in WORKERS_DOORS]

    assert telling(calls, caller(world, "mallory"), 400, 403) == {}


def test_asks_everybody_without_a_token_for_one(reads: list[Call], writes: list[Call]):
    assert unlike([*reads, *writes], ANONYMOUS, 401) == {}


def test_refuses_nothing_to_a_superuser_but_what_the_state_refuses(
    reads: list[Call], writes: list[Call]
):
    creates = [call for call in writes if call.method == "post" and not call.detail]
    changes = [call for call in writes if call not in creates and not is_said_for_others(call)]
    creates = [call for call in creates if call.name not in NEEDLESS]

    assert unlike(reads, "admin", 200) == {}
    assert unlike(creates, "admin", 200, 201, 202) == {}
    assert unlike(changes, "admin", 200, 201, 202, 204, 400, 409) == {}
    assert {call.name for call in writes} >= NOT_EVEN_ROOTS


def test_lets_an_auditor_read_everything_that_is_not_personal(reads: list[Call]):
    calls = [call for call in reads if not is_personal(call)]
    personal = [call for call in reads if is_personal(call) and call.detail]

    assert unlike(calls, "auditor", 200) == {}
    assert unlike(personal, "auditor", 404) == {}


def test_lets_an_auditor_change_nothing(writes: list[Call]):
    calls = [
        call
        for call in writes
        if call.name not in AUDITORS_DOORS | ASKS_ONLY and not is_personal(call)
    ]

    assert unlike(calls, "auditor", 403) == {}


def test_hides_the_pages_of_others_from_a_stranger(pages: list[Call]):
    rows = [call for call in pages if call.detail and not call.name.endswith("_delete")]
    posts = [replace(call, method="post") for call in rows if not call.name.endswith(SHOWN_ONLY)]

    assert unlike([*rows, *posts], "stranger", 404) == {}
    assert len(rows) > 100


def test_shows_a_stranger_nothing_on_any_page(world: World, pages: list[Call]):
    lists = [call for call in pages if not call.detail]

    with one_frame():
        assert telling(lists, visitor(world, "mallory"), 200, 403) == {}


def test_finds_a_stranger_nothing(world: World):
    searches = [*pickers(), page(f"/admin/search/?s={SECRET.lower()}"), page("/admin/")]

    found = telling(searches, visitor(world, "mallory"), 200, 403)

    assert found == {}
    assert SECRET in visitor(world, "root")(searches[-2]).content.decode()


def test_sends_whoever_is_not_signed_in_to_the_door(pages: list[Call]):
    assert unlike(pages, ANONYMOUS, 302) == {}
    assert "/accounts/login/" in Client().get(pages[0].url, follow=True).redirect_chain[-1][0]


def test_opens_every_page_to_a_superuser(world: World, pages: list[Call]):
    opened = [call for call in pages if not is_closed(call) and not is_said_for_others(call)]
    closed = [call for call in pages if call not in opened]

    with one_frame():
        assert unopened(opened, visitor(world, "root")) == {}
    assert unlike(closed, "admin", 403, 404) == {}


def test_lets_an_auditor_read_every_page(pages: list[Call]):
    calls = [call for call in pages if call.name.endswith(("_changelist", "_change", "_history"))]
    reads = [call for call in calls if not is_closed(call) and not is_personal(call)]

    assert unlike(reads, "auditor", 200) == {}


def test_lets_an_auditor_press_no_button(pages: list[Call]):
    posts = [
        replace(call, method="post")
        for call in pages
        if call.name.endswith(("_change", "_verb", "_add")) and not is_personal(call)
    ]
    calls = [call for call in posts if not call.url.startswith(THEIRS)]

    assert unlike(calls, "auditor", 403) == {}


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
