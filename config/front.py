"""What the ASGI front needs: bodies read whole and small, headers cleaned, answers of its own."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Self

from config.apikit import codes

API_LIMIT = 1024 * 1024
PAGE_LIMIT = 16 * 1024 * 1024  # forms of the admin carry evidence and imports
BODY_SECONDS = 30
RETRY_AFTER = b"5"
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def limit_of(path: str) -> int:
    """How large a body may be there."""
    return PAGE_LIMIT if path.startswith("/admin/") else API_LIMIT


def too_large(scope: Scope) -> bool:
    """Whether the body announces itself as larger than its limit."""
    announced = dict(scope["headers"]).get(b"content-length", b"0")
    return announced.isdigit() and int(announced[:15]) > limit_of(scope["path"])


def clean_headers(scope: Scope) -> Scope:
    """Drop names with an underscore: in WSGI they would pass for those with a hyphen.

    A query that is no ASCII would break the WSGI environment: it is percent-encoded.
    """
    headers = [(name, value) for name, value in scope["headers"] if b"_" not in name]
    query = b"".join(
        bytes([byte]) if 0x20 < byte < 0x7F else b"%%%02X" % byte for byte in scope["query_string"]
    )
    return {**scope, "headers": headers, "query_string": query}


@dataclass
class Body:
    """A request's whole body, to be read again by the WSGI side."""

    content: bytes = b""
    disconnected: bool = False
    problem: tuple[str, int] | None = None

    @classmethod
    async def read(cls, scope: Scope, receive: Receive) -> Self:
        """Take all of it, at most the limit."""
        parts = bytearray()
        limit = limit_of(scope["path"])
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return cls(disconnected=True)
            parts += message.get("body", b"")
            if len(parts) > limit:
                return cls(problem=("too_large", 413))
            if not message.get("more_body", False):
                return cls(bytes(parts))

    async def replay(self) -> Message:
        """The body as one message."""
        return {"type": "http.request", "body": self.content, "more_body": False}


@dataclass
class Answer:
    """A small response made here, without Django."""

    status: int
    body: bytes
    content_type: bytes = b"application/problem+json"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    @classmethod
    def alive(cls) -> Self:
        """What /healthz says."""
        return cls(200, b'{"status": "ok"}', b"application/json", [(b"cache-control", b"no-store")])

    @classmethod
    def problem(cls, code: str, status: int, path: str) -> Self:
        """A problem document; the body of the request may be unread, so the connection ends."""
        known = codes.find(code)
        document = {
            "type": f"/problems/{code}",
            "title": known.title if known else code,
            "status": status,
            "detail": known.remedy if known else "",
            "instance": path,
            "code": code,
            "request_id": None,
        }
        headers = [(b"connection", b"close")]
        if status == 503:
            headers.append((b"retry-after", RETRY_AFTER))
        return cls(status, json.dumps(document).encode(), headers=headers)

    async def __call__(self, send: Send) -> None:
        """Send it."""
        headers = [
            (b"content-type", self.content_type),
            (b"content-length", str(len(self.body)).encode()),
            *self.headers,
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})
