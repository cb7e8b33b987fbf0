"""The door for alerts: a small raw ASGI application, beside Django's own.

It stores the body durably and answers; reading it is the worker's business. With a valid token
everything is taken, and what can't be read waits in quarantine for a person.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from config import clock
from incidents.alerts import adapters
from incidents.alerts.adapters import Door, Knock, Letter, NotTaken
from incidents.alerts.limiting import Limiter
from incidents.alerts.models import IngestSource, PayloadKind
from incidents.alerts.redaction import redact
from incidents.alerts.rules import Unreadable, fingerprint
from incidents.alerts.storing import Parcel, Store, Unavailable

LONGEST = 1024 * 1024
LARGE = 64 * 1024
MOST_AT_ONCE = 256
READ_WITHIN = 30.0
RETRY_AFTER = 5
TOKEN = re.compile(r"[a-z0-9]{32}")
ADAPTER = re.compile(r"[a-z0-9_-]{1,30}")
KEPT_HEADERS = (b"user-agent", b"x-request-id", b"content-encoding")

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PROBLEMS = {
    400: ("malformed", "The body can't be read"),
    401: ("token_unknown", "There is no such token"),
    404: ("not_found", "There is nothing here"),
    405: ("method_not_allowed", "This can't be done here"),
    408: ("too_slow", "The body took too long"),
    413: ("too_large", "The body is too large"),
    503: ("unavailable", "The service can't answer just now"),
}


class Answer(Exception):
    """What the sender gets; raised from wherever it is known."""

    def __init__(
        self, status: int, content: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status)
        self.status = status
        self.content = content
        self.headers = dict(headers or {})


class Gone(Exception):
    """The sender has hung up."""


def problem(
    status: int, detail: str, instance: str, headers: Mapping[str, str] | None = None
) -> Answer:
    """An RFC 9457 document. `instance` never carries the token."""
    code, title = PROBLEMS[status]
    content = {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": instance,
        "code": code,
    }
    return Answer(status, content, headers)


class Intake:
    """One per process. `startup` and `shutdown` belong to the server's lifespan."""

    def __init__(self) -> None:
        self.limiter = Limiter()
        self._store: Store | None = None
        self._starting = asyncio.Lock()
        self._under_way = 0

    async def startup(self) -> None:
        """Open the pool; requests that come earlier do it themselves."""
        async with self._starting:
            if self._store is None:
                store = Store(self.limiter)
                await store.open()
                self._store = store

    async def shutdown(self) -> None:
        """Close the pool."""
        if self._store is not None:
            await self._store.close()
            self._store = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            answer = await self._answer(scope, receive)
        except Answer as found:
            answer = found
        except Gone:
            return
        await _send(send, answer)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        door, adapter, token = _route(scope["path"].rstrip("/"))
        place = door.path if door else f"/ingest/{adapter}"
        methods = door.methods if door else ("POST",)
        if scope["method"] not in methods:
            text = f"{scope['method']} means nothing here; send alerts with POST."
            raise problem(405, text, place, {"Allow": ", ".join(methods)})
        if self._under_way >= MOST_AT_ONCE:
            raise _busy(place)
        self._under_way += 1
        try:
            body = await _read(scope, receive, place)
            if door is None:
                return await self._take(scope, adapter, Letter(token, body, _accepted), place)
            answers = self._look if scope["method"] == "GET" else self._through
            return await answers(door, scope, body)
        except NotTaken as refusal:
            return Answer(refusal.status, refusal.answer)
        finally:
            self._under_way -= 1

    async def _take(self, scope: Scope, adapter: str, letter: Letter, place: str) -> Answer:
        stored = None
        if TOKEN.fullmatch(letter.token):
            stored = await self._keep(scope, adapter, PayloadKind.ALERTS, letter, place)
        if stored is None:
            text = "This address has no source that is switched on: check the token in the URL."
            raise problem(401, text, place)
        return Answer(202, letter.answer(stored))

    async def _through(self, door: Door, scope: Scope, body: bytes) -> Answer:
        if len(body) > door.longest:
            raise Answer(400, door.too_long)
        letter = await _off_loop(lambda whole: door.open(_knock(scope, whole)), body)
        try:
            stored = await self._keep(scope, door.adapter, door.kind, letter, door.path)
        except Limited:
            headers = {"Retry-After": str(self.limiter.seconds_left())}
            raise Answer(429, door.limited, headers) from None
        if stored is None:
            return Answer(door.unknown_status, door.unknown)
        return Answer(202, letter.answer(stored))

    async def _look(self, door: Door, scope: Scope, body: bytes) -> Answer:
        assert door.look is not None  # noqa: S101  # others don't name GET in their methods
        question = door.look(_knock(scope, body))
        await self.startup()
        assert self._store is not None  # noqa: S101  # startup has just set it
        try:
            is_known, row = await self._store.ask(IngestSource.digest_of(question.token), question)
        except Unavailable:
            raise _busy(door.path) from None
        if not is_known:
            return Answer(door.unknown_status, door.unknown)
        return Answer(*question.answer(row))

    async def _keep(
        self, scope: Scope, adapter: str, kind: str, letter: Letter, place: str
    ) -> int | None:
        await self.startup()
        assert self._store is not None  # noqa: S101  # startup has just set it
        digest = IngestSource.digest_of(letter.token)
        body = await _off_loop(redact, letter.body)
        source = self._store.sources.get(digest)
        await self._check_rate(source, adapter, replace(letter, body=body), place)
        parcel = Parcel(
            digest=digest,
            adapter=adapter,
            kind=kind,
            body=body,
            content_type=_header(scope, b"content-type")[:100],
            headers=_kept_headers(scope, letter.path),
        )
        try:
            return await self._store.store(parcel)
        except Unavailable:
            raise _busy(place) from None

    async def _check_rate(
        self, source_id: int | None, adapter: str, letter: Letter, place: str
    ) -> None:
        if source_id is None or not self.limiter.is_over(source_id):
            return
        keys = await asyncio.to_thread(_keys, adapter, letter)
        if not self.limiter.are_new(source_id, keys):
            raise Limited(place, self.limiter.seconds_left())


class Limited(Answer):
    """Too much from one source. 503, as Alertmanager and Grafana drop what gets another 4xx."""

    def __init__(self, place: str, seconds: int) -> None:
        text = f"This source has used up its rate; try again in {seconds} seconds."
        found = problem(503, text, place, {"Retry-After": str(seconds)})
        super().__init__(found.status, found.content, found.headers)


def _route(path: str) -> tuple[Door | None, str, str]:
    door = adapters.door_at(path)
    if door is not None:
        return door, door.adapter, ""
    parts = path.split("/")
    if len(parts) != 4 or parts[1] != "ingest" or not parts[2] or not parts[3]:
        raise problem(404, "The address is /ingest/<adapter>/<token>.", "/ingest")
    # A tool that we don't know is no reason to lose what it says: its payload is kept aside.
    return None, parts[2] if ADAPTER.fullmatch(parts[2]) else "unknown", parts[3]


async def _read(scope: Scope, receive: Receive, place: str) -> bytes:
    too_large = problem(413, f"Send at most {LONGEST} bytes at once.", place)
    stated = dict(scope["headers"]).get(b"content-length", b"")
    if stated.isdigit() and len(stated) < 20 and int(stated) > LONGEST:
        raise too_large
    parts, length, more = [], 0, True
    try:
        async with asyncio.timeout(READ_WITHIN):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                part = message.get("body", b"")
                length += len(part)
                if length > LONGEST:
                    raise too_large
                parts.append(part)
                more = message.get("more_body", False)
    except TimeoutError:
        raise problem(408, f"The body took longer than {READ_WITHIN:.0f} s.", place) from None
    return b"".join(parts)


async def _off_loop[T](work: Callable[[bytes], T], body: bytes) -> T:
    """In a thread where it takes long enough to make other senders wait."""
    return await asyncio.to_thread(work, body) if len(body) > LARGE else work(body)


def _accepted(stored: int) -> Mapping[str, Any]:
    return {"status": "accepted", "id": stored}


def _knock(scope: Scope, body: bytes) -> Knock:
    return Knock(
        path=_text(scope.get("raw_path") or quote(scope["path"]).encode()).split("?")[0],
        query=_text(scope["query_string"]),
        authorization=_header(scope, b"authorization"),
        body=body,
    )


def _kept_headers(scope: Scope, path: str) -> dict[str, str]:
    given = dict(scope["headers"])
    kept = {name.decode(): _text(given[name])[:200] for name in KEPT_HEADERS if name in given}
    return {**kept, adapters.PATH: redact(path.encode()).decode()} if path else kept


def _header(scope: Scope, name: bytes) -> str:
    return _text(dict(scope["headers"]).get(name, b""))


def _keys(adapter: str, letter: Letter) -> list[str]:
    try:
        reading = adapters.read(adapter, letter.body, clock.now(), letter.path)
    except Unreadable:
        return []
    return [f"{fingerprint(alert)}{alert.status}" for alert in reading.alerts]


def _busy(place: str) -> Answer:
    text = f"Nothing was stored. Try again in {RETRY_AFTER} seconds."
    return problem(503, text, place, {"Retry-After": str(RETRY_AFTER)})


def _text(value: bytes) -> str:
    return value.decode("latin-1").replace("\0", "")


async def _send(send: Send, answer: Answer) -> None:
    body = json.dumps(answer.content).encode()
    kind = "application/problem+json" if "code" in answer.content else "application/json"
    headers = {"Content-Type": kind, "Content-Length": str(len(body)), **answer.headers}
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": body})


application = Intake()
