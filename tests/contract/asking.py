"""Questions made of the document: good ones about real rows, any that it allows, and bad ones."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import cycle
from typing import Any

import requests
from django.core.serializers.json import DjangoJSONEncoder
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as bounds
from rest_framework.test import APIClient
from schemathesis import GenerationMode

from tests.access.asking import undone
from tests.access.bodies import body_for
from tests.access.routes import API, every_route, of_other_kinds
from tests.access.world import World
from tests.contract.document import HELD_IN, NAMES, as_response, broken, template

CARRIED = {"method", "url", "params", "headers", "cookies", "json", "data"}
MANY = 3
type Faults = list[str]
type Clients = Mapping[str, APIClient]


class Questions:
    """What to ask about a world, operation by operation.

    `wide` asks the most, and of rows that aren't there too; of the others each asks a share.
    What everybody is answered to the plainest question is compared with the document where the
    permission table is (`tests/access/test_permissions.py`).
    """

    def __init__(self, world: World, clients: Mapping[str, APIClient], *, wide: str) -> None:
        self.world, self.wide = world, wide
        self.client = clients[wide]
        self._clients, self._others = clients, cycle(sorted(clients.keys() - {wide}))
        for client in clients.values():
            client.raise_request_exception = False
        self.routes = {template(each.filled(**_braces(each.parameters))): each
                       for each in every_route() if each.path.startswith(API)}  # fmt: skip

    def faults(self, operation: Any) -> Faults:
        """What was answered that the document doesn't say: to whom, and with which status."""
        found: Faults = []
        mine = {self.wide: self.client}
        other = next(self._others)
        for mode, strategy in self._strategies(operation):
            self._ask(strategy, mode, {**mine, other: self._clients[other]}, found)
        # Of the policies' kinds, which share their views, one is asked what the document allows.
        if not operation.path.startswith(of_other_kinds()):
            self._ask(operation.as_strategy(), GenerationMode.POSITIVE, mine, found, MANY)
        return found

    def address(self, path: str) -> str:
        """The path about a row that is there."""
        return NAMES.sub(lambda found: self._key(path), path)

    def _strategies(self, operation: Any) -> Iterator[tuple[GenerationMode, Any]]:
        real = self._real(operation)
        yield GenerationMode.POSITIVE, operation.as_strategy(**real)
        real.pop("body", None)
        yield GenerationMode.NEGATIVE, operation.as_strategy(GenerationMode.NEGATIVE, **real)

    def _real(self, operation: Any) -> dict[str, Any]:
        """The key of a row that is there, its version, and a good body where there is one."""
        route = self.routes[template(operation.path)]
        found: dict[str, Any] = {}
        if names := NAMES.findall(operation.path):
            key = self._key(operation.path)
            found["path_parameters"] = {name.strip("{}"): key for name in names}
        if operation.method in ("patch", "delete"):
            found["headers"] = {"If-Match": "*"}
        if operation.method == "post":
            try:
                body = body_for(str(route.name), self.world)
                found["body"] = json.loads(json.dumps(body, cls=DjangoJSONEncoder))
            except LookupError:
                return found
        return found

    def _key(self, path: str) -> str:
        view = self.routes[template(path)].callback.cls
        return str(getattr(self.world[view.model], view.lookup_field))

    def _ask(
        self, strategy: Any, mode: GenerationMode, clients: Clients, faults: Faults, most: int = 1
    ) -> None:
        @bounds(
            max_examples=most,
            database=None,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def ask(case: Any) -> None:
            for name, client in clients.items():
                answer = undone(partial(_sent, case, client))
                found = broken(case, answer, HELD_IN[mode])
                faults.extend(f"{name}: {each}" for each in found)

        ask()


def _sent(case: Any, client: APIClient) -> requests.Response:
    """Through Django's own client, which leaves the test's transaction alone."""
    carried = case.as_transport_kwargs(base_url="http://localhost")
    asked = requests.Request(**{name: carried[name] for name in CARRIED & carried.keys()})
    prepared = asked.prepare()
    send: Any = client.generic
    found = send(prepared.method, prepared.path_url, prepared.body or b"",
                 prepared.headers.get("Content-Type", "application/json"),
                 headers=prepared.headers)  # fmt: skip
    return as_response(found, prepared)


def _braces(names: list[str]) -> dict[str, str]:
    return {name: "{" + name + "}" for name in names}
