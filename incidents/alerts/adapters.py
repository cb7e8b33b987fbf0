"""The register of tools: how a body is read, and how a tool's own front door answers.

`incidents.integrations` fills it; this room and the intake only look things up.
"""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from incidents.alerts.models import PayloadKind
from incidents.alerts.rules import Reading, Unreadable

PATH = ":path"  # among a payload's headers, as in HTTP/2: the path with its query


@dataclass(frozen=True, slots=True)
class Post:
    """A body as its tool's parser gets it; `path` where the tool says there what it wants."""

    body: bytes
    received_at: datetime.datetime
    path: str = ""


Parser = Callable[[Post], Reading]
Guide = Callable[[str, str], list[tuple[str, str]]]

_parsers: dict[str, Parser] = {}
_doors: dict[str, "Door"] = {}
_guides: dict[str, Guide] = {}


class AdapterTaken(RuntimeError):
    """Two tools were registered under one name or path."""


class NotTaken(Exception):
    """A door refuses a request for its form; `answer` is what the tool's clients expect then."""

    def __init__(self, answer: Mapping[str, Any], status: int = 400) -> None:
        super().__init__(answer)
        self.answer = answer
        self.status = status


@dataclass(frozen=True, slots=True)
class Knock:
    """A request at a tool's own path, of which nobody knows yet whose it is.

    `path` is as it was sent: percent-encoded, without the query.
    """

    path: str
    query: str
    authorization: str
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Letter:
    """A body whose token was found: what is to be stored, and the answer once it is.

    `answer` gets the id of the stored payload; `path` is kept for the parser.
    """

    token: str
    body: bytes
    answer: Callable[[int], Mapping[str, Any]]
    path: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What a tool asks about what it has sent: one statement, bound to the token's own source.

    `statement` takes `%(source)s` beside its `values`; `answer` makes status and content of the
    row, or of None where there is none.
    """

    token: str
    statement: str
    values: Mapping[str, Any]
    answer: Callable[[tuple[Any, ...] | None], tuple[int, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Door:
    """A tool's own address, at which its clients knock with their token in body or header.

    It answers for `path`, and for what lies below it where `has_rooms`: GET by `look`, the other
    `methods` by `open`. Both raise `NotTaken`; `unknown` is the answer, with `unknown_status`, to
    a token that nobody has.
    """

    path: str
    adapter: str
    open: Callable[[Knock], Letter]
    unknown: Mapping[str, Any]
    limited: Mapping[str, Any]
    unknown_status: int = 400
    kind: str = PayloadKind.ALERTS
    longest: int = 512 * 1024
    too_long: Mapping[str, Any] = field(default_factory=dict)
    has_rooms: bool = False
    methods: tuple[str, ...] = ("POST",)
    look: Callable[[Knock], Question] | None = None


def parser(adapter: str) -> Callable[[Parser], Parser]:
    """Register how bodies of a tool are read: pure, raising nothing but `Unreadable`."""

    def register(read: Parser) -> Parser:
        if _parsers.get(adapter, read) is not read:
            raise AdapterTaken(adapter)
        _parsers[adapter] = read
        return read

    return register


def register_door(door: Door) -> None:
    """Register a tool's own address."""
    if door.path in _doors:
        raise AdapterTaken(door.path)
    _doors[door.path] = door


def door_at(path: str) -> Door | None:
    """The door at that path, or the one that it lies behind."""
    if path in _doors:
        return _doors[path]
    behind = (door for door in _doors.values() if door.has_rooms)
    return next((door for door in behind if path.startswith(f"{door.path}/")), None)


def doors() -> list[str]:
    """All fixed paths."""
    return list(_doors)


def guide(adapter: str) -> Callable[[Guide], Guide]:
    """Register what to paste into the tool: (base URL, token) -> [(heading, text), ...]."""

    def register(write: Guide) -> Guide:
        _guides[adapter] = write
        return write

    return register


def guide_for(adapter: str, base_url: str, token: str) -> list[tuple[str, str]]:
    """Ready configuration for the tool."""
    write = _guides.get(adapter)
    return write(base_url, token) if write else []


def read(adapter: str, body: bytes, received_at: datetime.datetime, path: str = "") -> Reading:
    """What the body says. Raises `Unreadable`."""
    known = _parsers.get(adapter)
    if known is None:
        names = ", ".join(sorted(_parsers))
        raise Unreadable(f"There is no adapter '{adapter}'; the path takes one of {names}.")
    return known(Post(body, received_at, path))


def address_of(adapter: str, base_url: str, token: str) -> str:
    """Where a source's tool sends: the tool's fixed path, or the one that carries the token."""
    fixed = (path for path, door in _doors.items() if door.adapter == adapter)
    return base_url + next(fixed, f"/ingest/{adapter}/{token}")
