"""People who ask for something, each answer taken back: the next one finds the world as it was."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from typing import Any
from unittest.mock import patch

from django.db import transaction
from django.http import HttpRequest
from rest_framework.test import APIClient

from config.adminkit.base import site
from config.organisation.models import User
from tests.access.bodies import OF_ANY_POLICY, body_for
from tests.access.routes import Call
from tests.access.world import World
from tests.config import make

# Here the operation asks for the right, after the body was read.
OPEN_VERBS = {
    "role-assignment-revoke",
    "role-assignment-change-end",
    "delegation-revoke",
    "break-glass-review",
}

type Ask = Callable[[Call], Any]


def undone(ask: Callable[[], Any]) -> Any:
    """Ask, and roll back what it did: the next one finds the world as it was."""
    with transaction.atomic():
        answer = ask()
        transaction.set_rollback(True)
    return answer


def called_before(person: User) -> APIClient:
    """A client of the API: what the first call of a minute writes is there for all that follow."""
    client = make.api(person)
    client.get("/api/v1/me/")
    return client


def caller(world: World, name: str) -> Ask:
    """Somebody at the API, on whatever version there is; creating with a good body."""
    client = called_before(world.people[name])

    def ask(call: Call) -> Any:
        headers = {"HTTP_IF_MATCH": "*"} if call.method in ("patch", "delete") else {}
        creates = call.method == "post" and not call.detail
        asked_later = call.name in OPEN_VERBS or call.name.endswith(tuple(OF_ANY_POLICY))
        good = body_for(call.name, world) if creates or asked_later else {}
        body = None if call.method == "get" else good
        return undone(lambda: getattr(client, call.method)(call.url, body, **headers))

    return ask


def visitor(world: World, name: str) -> Ask:
    """Somebody at the admin, signed in again after having signed out."""
    client = make.browser(world.people[name])
    signed_in = SimpleCookie(client.cookies)

    def ask(call: Call) -> Any:
        client.cookies = SimpleCookie(signed_in)
        return undone(lambda: getattr(client, call.method)(call.url))

    return ask


@contextmanager
def one_frame() -> Iterator[None]:
    """The menu of the admin stands on the first page alone: it takes a third of each."""
    kept: dict[str, Any] = {}
    whole = site.each_context

    def each_context(request: HttpRequest) -> dict[str, Any]:
        if kept:
            return {**kept, "sidebar_navigation": []}
        kept.update(whole(request))
        return dict(kept)

    with patch.object(site, "each_context", each_context):
        yield
