"""The permission table: what each route and method answers to each persona.

`permissions.txt` is what was agreed; `test_permissions.py` compares. When a change is meant:
`python -m tests.access.permissions --write`, and read the difference line by line.
"""

# ruff: noqa: E402  (Django is set up before models are imported)
import argparse
import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any
from unittest.mock import patch

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.template.backends.django import Template
from django.test import Client, override_settings
from django.test.utils import setup_test_environment
from rest_framework.test import APIClient

from config.access.rules import Role
from config.adminkit.base import site
from config.organisation.models import BusinessUnit, User
from escalation.paging.links import url_of
from escalation.paging.models import Page
from incidents.lifecycle.models import Incident
from tests.access.asking import Ask, caller, undone, visitor
from tests.access.routes import (
    ADMIN,
    API,
    Call,
    admin_calls,
    admin_prefixes,
    api_calls,
    every_route,
)
from tests.access.world import World, make_world
from tests.config import make
from tests.harness import databases

FILE = Path(__file__).parent / "permissions.txt"
ANONYMOUS = "anonymous"
# Who they are in the world: by name, or the roles on the unit that a new account is given.
PEOPLE: Mapping[str, str | tuple[Role, ...]] = {
    "admin": "root",
    "manager": (Role.UNIT_ADMINISTRATOR,),
    "analyst": (Role.ANALYST,),
    "commander": "alice",
    "responder": "bob",
    "author": (Role.POLICY_AUTHOR,),
    "approver": (Role.POLICY_APPROVER,),
    "compliance": "lena",
    "auditor": "carol",
    "integrator": (Role.INTEGRATOR,),
    "vendor": (Role.VENDOR_USER,),
    "stranger": "mallory",
}
PERSONAS = (*PEOPLE, ANONYMOUS)
# What the machine's state answers, whoever asks, has tests of its own; pickers have rows each.
LEFT_OUT = {"readyz", "autocomplete"}
# Pages of the admin that list and show, and take nothing from a form.
SHOWN_ONLY = ("_history", "_simple_history", "_delete")

type Column = dict[str, int]
type Table = dict[str, Column]


def label(call: Call) -> str:
    """The row of a call."""
    return f"{call.method.upper():6} {call.pattern}"


def every_call(world: World) -> list[Call]:
    """All that can be asked for: the API, the pages of the admin, and those around both."""
    pages = list(admin_calls(world))
    forms = [replace(each, method="post") for each in pages if not each.name.endswith(SHOWN_ONLY)]
    return sorted({label(each): each for each in chain(
        api_calls(world), pages, forms, other_calls(world)
    )}.values(), key=lambda call: (call.pattern, call.method))  # fmt: skip


def other_calls(world: World) -> Iterator[Call]:
    """The pages beside the rows: the frame of the admin, the doors, the documents."""
    values = {
        "code": "not_found",
        "token": url_of(world[Page].pk).rpartition("/")[2],
        "url": "nothing-here/",
        "content_type_id": ContentType.objects.get_for_model(Incident).pk,
        "object_id": world[Incident].pk,
        "app_label": "config",
    }
    rows = (API, *admin_prefixes())
    for route in every_route():
        if not route.path.startswith(rows) and route.name not in LEFT_OUT:
            for method in ("get", "post"):
                name, url = str(route.name), route.filled(**values)
                yield Call(method, url, name, detail=False, pattern=route.pattern())
    for picker in pickers():
        yield Call("get", picker, "autocomplete", detail=False, pattern=picker)


def pickers() -> Iterator[str]:
    """The list behind each picker of each admin."""
    for each in admin_prefixes().values():
        for name in each.autocomplete_fields:
            where = f"app_label={each.opts.app_label}&model_name={each.opts.model_name}"
            yield f"/{ADMIN}autocomplete/?{where}&field_name={name}"


def make_people(world: World) -> None:
    """Those of the table whom the world does not know yet."""
    make.role(Role.POLICY_APPROVER, to=world.people["lena"])
    for persona, roles in PEOPLE.items():
        if isinstance(roles, tuple):
            tool = persona == "integrator"
            who: User = make.service_account(persona) if tool else make.user(persona)
            for role in roles:
                make.role(role, to=who, on=world[BusinessUnit])
            world.people[persona] = who


def answers(world: World, persona: str) -> Iterator[tuple[Call, Any]]:
    """What the persona is answered. Pages are not rendered: only who gets them matters."""
    at_api, at_pages = _doors(world, persona)
    with (
        patch.object(Template, "render", return_value=""),
        patch.object(site, "each_context", return_value={}),
    ):
        for call in every_call(world):
            yield call, (at_api if call.url.startswith(f"/{API}") else at_pages)(call)


def column(world: World, persona: str) -> Column:
    """The statuses of all that the persona is answered."""
    return {label(call): answer.status_code for call, answer in answers(world, persona)}


def _doors(world: World, persona: str) -> tuple[Ask, Ask]:
    if persona == ANONYMOUS:
        api, browser = APIClient(), Client()
        return (
            lambda call: undone(lambda: getattr(api, call.method)(call.url)),
            lambda call: undone(lambda: getattr(browser, call.method)(call.url)),
        )
    given = PEOPLE[persona]
    name = given if isinstance(given, str) else persona
    return caller(world, name), visitor(world, name)


def read() -> Table:
    """The agreed table."""
    head, *lines = FILE.read_text().splitlines()
    names = head.split()[1:]
    table: Table = {}
    for line in lines:
        method, pattern, *statuses = line.split()
        table[f"{method:6} {pattern}"] = dict(zip(names, map(int, statuses), strict=True))
    return table


def write(table: Table) -> None:
    """Keep it, aligned, a row per line."""
    width = max(map(len, table)) + 2
    head = "route".ljust(width) + "".join(f"{name:>11}" for name in PERSONAS)
    lines = [
        row.ljust(width) + "".join(f"{answers[name]:>11}" for name in PERSONAS)
        for row, answers in table.items()
    ]
    FILE.write_text("\n".join((head, *lines)) + "\n")


@contextmanager
def _own_world() -> Iterator[World]:
    setup_test_environment()
    logging.disable(logging.ERROR)
    clone = databases.make_clone()
    with databases.pointed_at(clone), tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        files = override_settings(
            SIGNING_KEY=place / "signing.pem",
            CHECKPOINT_DIR=place / "checkpoints",
            EXPORT_ROOT=place / "exports",
        )
        with files, transaction.atomic():
            yield make_world()
            transaction.set_rollback(True)
        connection.close()
    databases.drop_clone(clone)


def main() -> int:
    """Make the table anew; with --write, keep it."""
    parser = argparse.ArgumentParser(prog="tests.access.permissions", description=__doc__)
    parser.add_argument("--write", action="store_true", help="replace permissions.txt")
    keep = parser.parse_args().write
    with _own_world() as world:
        make_people(world)
        columns = {persona: column(world, persona) for persona in PERSONAS}
    rows = columns[ANONYMOUS]
    table = {row: {name: columns[name][row] for name in PERSONAS} for row in rows}
    if keep:
        write(table)
    return 0 if table == read() else 1


if __name__ == "__main__":
    sys.exit(main())
