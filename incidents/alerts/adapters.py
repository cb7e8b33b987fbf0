"""The register of tools: how a body is read, and how a tool's own front door answers.

`incidents.integrations` fills it; this room and the intake only look things up.
"""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from incidents.alerts.models import PayloadKind
from incidents.alerts.rules import Reading, Unreadable

Parser = Callable[[bytes, datetime.datetime], Reading]
Guide = Callable[[str, str], list[tuple[str, str]]]

_parsers: dict[str, Parser] = {}
_doors: dict[str, "Door"] = {}
_guides: dict[str, Guide] = {}


class AdapterTaken(RuntimeError):
    """Two tools were registered under one name or path."""


class NotTaken(Exception):
    """A door refuses a body for its form; `answer` is what the tool's clients expect then."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__(answer)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Letter:
    """A body whose token was found inside: what is to be stored, and the answer once it is."""

    token: str
    body: bytes
    answer: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Door:
    """A fixed path at which a tool's clients knock with their token in the body.

    `open` raises `NotTaken`; `unknown` is the answer, with 400, to a token that nobody has.
    """

    adapter: str
    open: Callable[[bytes], Letter]
    unknown: Mapping[str, Any]
    limited: Mapping[str, Any]
    kind: str = PayloadKind.ALERTS
    longest: int = 512 * 1024
    too_long: Mapping[str, Any] = field(default_factory=dict)


def parser(adapter: str) -> Callable[[Parser], Parser]:
    """Register how bodies of a tool are read: pure, raising nothing but `Unreadable`."""

    def register(read: Parser) -> Parser:
        if _parsers.get(adapter, read) is not read:
            raise AdapterTaken(adapter)
        _parsers[adapter] = read
        return read

    return register


def register_door(path: str, door: Door) -> None:
    """Register a tool's fixed path."""
    if path in _doors:
        raise AdapterTaken(path)
    _doors[path] = door


def door_at(path: str) -> Door | None:
    """The door at that path."""
    return _doors.get(path)


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


def read(adapter: str, body: bytes, received_at: datetime.datetime) -> Reading:
    """What the body says. Raises `Unreadable`."""
    known = _parsers.get(adapter)
    if known is None:
        names = ", ".join(sorted(_parsers))
        raise Unreadable(f"There is no adapter '{adapter}'; the path takes one of {names}.")
    return known(body, received_at)


def address_of(adapter: str, base_url: str, token: str) -> str:
    """Where a source's tool sends: the tool's fixed path, or the one that carries the token."""
    fixed = (path for path, door in _doors.items() if door.adapter == adapter)
    return base_url + next(fixed, f"/ingest/{adapter}/{token}")
