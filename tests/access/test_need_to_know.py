"""Restricted records betray nothing: every page and every answer, for whoever was not let in.

Two worlds are compared, one of which holds a secret (`secrecy.make_secret`). Whoever was not let in
is given the same answers in both, to the byte: no list, count, figure, filter or history differs.
Then everything that leads to the secret is asked for, and is answered as if it were not there, by
the same statements: wall time on a shared machine would prove nothing.

Ask as alice, who commands the team, and as oona, who holds every role there is on the whole
enterprise, so that whatever any of them could see, she sees.
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import unquote

import pytest
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection

from config import clock, metrics
from config.access.models import RoleAssignment
from config.access.operations import container_type_of, enterprise
from config.access.restricted import telling_models, tied_models
from config.access.rules import Role
from config.apikit.views import Resource
from config.organisation.models import User
from incidents.lifecycle.models import Incident
from tests.access.asking import called_before, one_frame, undone
from tests.access.bodies import body_for
from tests.access.permissions import every_call
from tests.access.routes import (
    ADMIN,
    API,
    Call,
    admin_calls,
    admin_prefixes,
    api_calls,
    every_route,
    of_one_kind,
)
from tests.access.secrecy import Secret, make_secret, prepare
from tests.access.world import World
from tests.config import make

# What differs between any two requests, whoever asks for whatever.
VOLATILE = re.compile(
    r'csrfmiddlewaretoken" value="\w+"|csrfToken[^,;]+|nonce="[^"]+"|"request_id": ?"\w+"'
    r"|\d+\s\w+ ago"
)
# How much the platform had to do, to take in and to seal is told to everybody; not what about.
FIGURE = re.compile(r"^watchbill_(\w+)(\S*) .*$", re.MULTILINE)
VOLUMES = {"payloads_received_total"}
SEALED_CARD = re.compile(r"Sealed: [\d,]+|[\d,]+ entries sealed|more than 1,000")
SEALED = ("config_checkpoint", "config_ledgerentry", "config_logorigin")
LITERALS = re.compile(r"""'[^']*'|"s\d+_x\d+"|\b\d+\b""")
LEAVES = {"account_logout", "logout"}
BY_KEY = {"incident", "incident__id__exact"}
TIMES = {"period_from", "period_until", "at", "start", "end"}
NO_NAME, NO_KEY = "INC-999999", 987_654_321
# By what the address of a list in the admin may try to narrow it.
FILTERS = (
    *("incident", "incident__id__exact", "incident__reference", "incident__title__startswith"),
    *("subject_name", "reason__contains", "key__contains", "address__startswith", "data__contains"),
    *("last_error__contains", "led_to__contains", "title__startswith", "reference"),
    *("text__contains", "description__contains", "labels__icontains"),
)


@pytest.fixture
def twin(world: World) -> World:
    """The world without a secret."""
    prepare(world)
    world.people["oona"] = make.user("oona", name="Oona")
    for role in Role:
        _hold(role, world.people["oona"])
    return world


def _hold(role: Role, person: User) -> None:
    """Whatever the segregation matrix keeps apart: no operation would give all of them."""
    unit = enterprise()
    RoleAssignment(
        role=Group.objects.get(name=role),
        person=person,
        container_type=container_type_of(unit),
        container_id=unit.pk,
        reason="test",
    ).save_as(make.system())


@dataclass(frozen=True)
class Visitor:
    """Somebody at both doors; what they do is taken back."""

    api: Any
    pages: Any
    signed_in: SimpleCookie

    @classmethod
    def of(cls, world: World, name: str) -> "Visitor":
        pages = make.browser(world.people[name])
        return cls(called_before(world.people[name]), pages, SimpleCookie(pages.cookies))

    def ask(self, call: Call, body: Any = None) -> Any:
        client = self.api if call.url.startswith(f"/{API}") else self.pages
        self.pages.cookies = SimpleCookie(self.signed_in)  # without the messages of other pages
        headers = {"HTTP_IF_MATCH": "*"} if call.method in ("patch", "delete") else {}
        return undone(lambda: getattr(client, call.method)(call.url, body, **headers))


def said(response: Any, *echo: str) -> tuple[int, str]:
    """Status and text, less what no two answers share and what repeats the question."""
    text = VOLATILE.sub("", response.getvalue().decode())
    text = SEALED_CARD.sub("SEALED", FIGURE.sub(figure, text))
    for word in sorted(filter(None, echo), key=len, reverse=True):
        text = text.replace(word, "ECHO")
    return response.status_code, text


def figure(found: re.Match[str]) -> str:
    """A line of the metrics, without the number where that is the platform's own."""
    metric = metrics._metrics.get(found[1].removesuffix("_bucket"))
    platforms = metric is None or metric.read.__module__.startswith("config.")
    return found[1] + found[2] if platforms or found[1] in VOLUMES else found[0]


def everything(world: World, visitor: Visitor) -> dict[str, tuple[int, str]]:
    """What the visitor is answered wherever they can go."""
    cache.clear()
    asked = (call for call in of_one_kind(every_call(world)) if call.method == "get")
    with one_frame():
        return {
            call.url: said(visitor.ask(call))
            for call in asked
            if call.name not in LEAVES and not call.name.startswith(SEALED)
        }


@pytest.mark.parametrize("name", ["alice", "oona"])
@pytest.mark.timeout(600)
def test_changes_no_answer(twin: World, name: str) -> None:
    with clock.simulated(clock.now()):
        visitor = Visitor.of(twin, name)
        before = everything(twin, visitor)
        secret = make_secret(twin)
        after = everything(twin, visitor)

    differ = {
        url: parting(before[url][1], after[url][1]) for url in before if before[url] != after[url]
    }
    assert differ == {}
    assert [url for url, (_, text) in after.items() if secret.told_by(text)] == []
    assert len(before) > 400


def parting(first: str, second: str) -> tuple[str, str]:
    """Where two texts part."""
    place = next(
        (n for n, pair in enumerate(zip(first, second, strict=False)) if len(set(pair)) > 1), 0
    )
    return first[place - 60 : place + 120], second[place - 60 : place + 120]


@dataclass(frozen=True)
class Way:
    """A request that names something secret, and the same about what does not exist."""

    secret: Call
    absent: Call
    words: tuple[str, ...] = ()
    body: Any = None
    other_body: Any = None


@pytest.mark.parametrize("name", ["alice", "oona"])
@pytest.mark.timeout(600)
def test_is_answered_as_if_it_were_not_there(twin: World, name: str) -> None:
    with clock.simulated(clock.now()):
        secret = make_secret(twin)
        visitor = Visitor.of(twin, name)
        ways = list(ways_to(twin, secret))
        wrong = {str(way.secret): found for way in ways if (found := unlike(visitor, way))}

    assert wrong == {}
    assert len(ways) > 500


def unlike(visitor: Visitor, way: Way, *, again: bool = True) -> Any:
    """Where the two answers, or what they cost, part."""
    mine = answered(visitor, way.secret, way.body, way.words)
    other = answered(visitor, way.absent, way.other_body, way.words)
    if mine[:2] != other[:2]:
        return mine[0], other[0], parting(mine[1], other[1])
    if mine[2] == other[2]:
        return None
    # What is read once a minute fell to one of the two: the next time to neither.
    return unlike(visitor, way, again=False) if again else set(mine[2]) ^ set(other[2])


def answered(visitor: Visitor, call: Call, body: Any, words: tuple[str, ...]) -> Any:
    """Status, text, and the statements with which the answer was found, without their values."""
    statements: list[str] = []

    def noted(execute: Any, sql: str, *rest: Any) -> Any:
        statements.append(LITERALS.sub("?", sql))
        return execute(sql, *rest)

    with connection.execute_wrapper(noted):
        answer = said(visitor.ask(call, body), call.url, unquote(call.url), *words)
    return *answer, statements


def ways_to(world: World, secret: Secret) -> Iterator[Way]:
    """By address, by body, by search and filter, by picker and palette."""
    theirs, nobodys = World(world.people, dict(world.rows)), World(world.people, dict(world.rows))
    for model in (*tied_models(), *telling_models()):
        row = secret.row_of(model)
        theirs.rows[model] = row
        nobodys.rows[model] = absent(row)
    pairs = zip(calls(theirs), calls(nobodys), strict=True)
    yield from (Way(*pair) for pair in pairs if pair[0].url != pair[1].url)
    yield from created(theirs, nobodys)
    yield from looked_for(theirs, secret)


def absent(row: Any) -> Any:
    """A row that is not there, to make addresses with."""
    key = uuid.UUID(int=row.pk.int ^ 1) if isinstance(row.pk, uuid.UUID) else NO_KEY
    kept = {field.name for field in row._meta.fields}
    name = {"reference": NO_NAME} if "reference" in kept else {}
    return type(row)(pk=key, **name)


def calls(world: World) -> Iterator[Call]:
    """Whatever can be asked about rows."""
    yield from (call for call in api_calls(world) if call.detail)
    for call in admin_calls(world):
        if call.detail:
            yield call
            yield replace(call, method="post")
    for model in tied_models():
        if model in world.rows:
            kind = ContentType.objects.get_for_model(model).pk
            yield Call("get", f"/{ADMIN}r/{kind}/{world[model].pk}/", "view_on_site", detail=True)


def created(theirs: World, nobodys: World) -> Iterator[Way]:
    """Everything that is made about something."""
    for call in api_calls(theirs):
        if call.method == "post" and not call.detail:
            mine, other = body_for(call.name, theirs), body_for(call.name, nobodys)
            words = [str(each[name]) for each in (mine, other) for name in parted(mine, other)]
            if words:
                yield Way(call, call, tuple(words), mine, other)
    page = Call("post", f"/{ADMIN}compliance/auditrequest/add/", "add", detail=False)
    mine, other = ({"incident": world[Incident].pk} for world in (theirs, nobodys))
    yield Way(page, page, (str(mine["incident"]), str(NO_KEY)), mine, other)


def parted(mine: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The names of what differs; times are taken anew for each body."""
    return [name for name in mine if mine[name] != other[name] and name not in TIMES]


def looked_for(world: World, secret: Secret) -> Iterator[Way]:
    """Lists, narrowed in every way to something secret."""
    incident = secret.live
    words = {incident.reference.lower(): NO_NAME.lower(), secret.marker: "zorilla12345678"}
    for url, names in (*api_lists(world), *admin_lists(), *pickers()):
        for name in names:
            # A short number is a word of other texts, and the key of other rows.
            key = {str(incident.pk): str(NO_KEY)} if name in BY_KEY else {}
            for mine, other in (words | key).items():
                ask = Call("get", f"{url}{name}={mine}", "", detail=False)
                same = Call("get", f"{url}{name}={other}", "", detail=False)
                yield Way(ask, same, (mine, other))


def api_lists(world: World) -> Iterator[tuple[str, list[str]]]:
    for route in every_route():
        view: Any = getattr(route.callback, "cls", object)
        is_list = route.path.startswith(API) and not route.parameters
        if is_list and issubclass(view, Resource):
            filters = view.filterset_class.base_filters if view.filterset_class else ()
            yield f"{route.filled()}?", ["q", *filters]


def admin_lists() -> Iterator[tuple[str, list[str]]]:
    for prefix, each in admin_prefixes().items():
        if each.model in (*tied_models(), *telling_models()):
            own = {field.name for field in each.model._meta.concrete_fields}
            narrowing = [name for name in FILTERS if name.split("__")[0] in own]
            yield f"/{prefix}?", ["q", *narrowing]
    yield f"/{ADMIN}search/?", ["s"]


def pickers() -> Iterator[tuple[str, list[str]]]:
    for each in admin_prefixes().values():
        for name in each.autocomplete_fields:
            where = f"app_label={each.opts.app_label}&model_name={each.opts.model_name}"
            yield f"/{ADMIN}autocomplete/?{where}&field_name={name}&", ["term"]
