"""The permission table holds: `permissions.txt`, made by `python -m tests.access.permissions`."""

import pytest

from tests.access.permissions import (
    ANONYMOUS,
    PERSONAS,
    Column,
    answers,
    every_call,
    label,
    make_people,
    read,
)
from tests.access.routes import Call, admin_prefixes, is_closed
from tests.access.world import World
from tests.contract.document import faults_of, operation_of, strict
from tests.harness.kept import kept

ALLOWED = {200, 201, 202, 204, 302, 400, 409}
# Closed to everybody, whoever they are, and why.
CLOSED_PAGES = {
    "/admin/<url>": "no such page",
    "/admin/r/<content_type_id>/<object_id>/": "no record has a page outside the admin",
}


@kept(heavy=True)
def populated(world: World) -> World:
    make_people(world)
    return world


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.timeout(400)
def test_answers_each_persona_as_the_table_and_the_document_say(populated: World, persona: str):
    agreed = {row: statuses[persona] for row, statuses in read().items()}
    found: Column = {}
    undocumented: list[str] = []

    for call, answer in answers(populated, persona):
        found[label(call)] = answer.status_code
        undocumented += faults_of(call, answer)

    assert differences(agreed, found) == {}
    assert undocumented == []


def test_has_a_row_for_every_route_and_no_other(populated: World):
    assert {label(call) for call in every_call(populated)} == set(read())
    assert set(next(iter(read().values()))) == set(PERSONAS)


def test_asks_for_every_operation_of_the_document(populated: World):
    asked = {operation.label for call in every_call(populated) if (operation := operation_of(call))}

    assert asked == {found.ok().label for found in strict().get_all_operations()}


def test_refuses_nothing_that_it_does_not_allow_to_somebody(populated: World):
    table = read()
    refused = {
        label(call): call
        for call in every_call(populated)
        if not ALLOWED & {table[label(call)][name] for name in PERSONAS if name != ANONYMOUS}
    }

    assert [row for row, call in refused.items() if not closed(call, table[row])] == []


def test_lets_nobody_in_without_a_key():
    open_rows = {row for row, found in read().items() if found[ANONYMOUS] not in (302, 401)}

    assert sorted(open_rows) == sorted(OPEN)


OPEN = {
    "GET    /accounts/inactive/", "POST   /accounts/inactive/",
    "GET    /accounts/login/", "POST   /accounts/login/",
    "GET    /api/docs/", "POST   /api/docs/", "GET    /api/schema/", "POST   /api/schema/",
    "GET    /healthz", "POST   /healthz", "GET    /metrics", "POST   /metrics",
    "GET    /problems/", "POST   /problems/",
    "GET    /problems/<code>", "POST   /problems/<code>",
    "GET    /r/<token>", "POST   /r/<token>",
}  # fmt: skip


def differences(agreed: Column, found: Column) -> dict[str, tuple[int | None, int | None]]:
    """Rows that differ: what was agreed, what is answered."""
    rows = sorted(agreed.keys() | found.keys())
    pairs = {row: (agreed.get(row), found.get(row)) for row in rows}
    return {row: pair for row, pair in pairs.items() if pair[0] != pair[1]}


def closed(call: Call, statuses: Column) -> bool:
    """By design: deletion, reverting, forms of what only operations make or change."""
    if call.pattern in CLOSED_PAGES or set(statuses.values()) <= {302, 404, 405}:
        return True
    in_admin = call.url.startswith(tuple(f"/{each}" for each in admin_prefixes()))
    if not in_admin:
        return False
    return is_closed(call) or (call.method == "post" and is_read_only(call))


def is_read_only(call: Call) -> bool:
    """The form of a record that changes by its verbs alone, or not at all."""
    (found,) = [each for at, each in admin_prefixes().items() if call.url[1:].startswith(at)]
    return call.name.endswith("_change") and not getattr(found, "edit_operation", None)
