"""The front door: raw handlers for what must be fast, Django in a bounded thread pool for the rest.

Django's own ASGI handler runs sync views slowest of all ways, so Django is a WSGI application
here, behind a2wsgi. What reaches the pool has its body complete and small: a slow client holds
no thread. When all threads and all places in the queue are taken, the answer is 503 at once.

A raw handler is an ASGI application named in `RAW_HANDLERS`; it may have coroutines `startup`
and `shutdown`.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import structlog
from a2wsgi import WSGIMiddleware

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.utils.module_loading import import_string

from config import garbage
from config.front import BODY_SECONDS, Answer, Body, clean_headers, too_large
from config.traffic import place_of, traffic

type Scope = MutableMapping[str, Any]
type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type Application = Callable[[Scope, Receive, Send], Awaitable[None]]

logger = structlog.get_logger(__name__)
MAX_READING = 512


class Front:
    """One ASGI application out of raw handlers and Django."""

    def __init__(self, django: Any, raw: Mapping[str, Any], *, threads: int, queue: int) -> None:
        self.pages: Any = WSGIMiddleware(django, workers=threads)
        self.raw = dict(raw)
        self.free = threads + queue
        self.reading = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Dispatch by path; liveness is answered here, whatever Django is doing."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
        elif scope["path"] == "/healthz" and scope["method"] in ("GET", "HEAD"):
            await Answer.alive()(send)
        elif handler := self._raw(scope["path"]):
            await _counted("ingest", handler, scope, receive, send)
        else:
            await _counted(place_of(scope["path"]), self._django, scope, receive, send)

    def _raw(self, path: str) -> Application | None:
        return next((each for prefix, each in self.raw.items() if path.startswith(prefix)), None)

    async def _django(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope = clean_headers(scope)
        if too_large(scope):
            await Answer.problem("too_large", 413, scope["path"])(send)
            return
        if self.free <= 0 or self.reading >= MAX_READING:
            await Answer.problem("unavailable", 503, scope["path"])(send)
            return
        body = await self._body(scope, receive)
        if body.problem:
            await Answer.problem(*body.problem, scope["path"])(send)
        elif not body.disconnected:
            await self._in_thread(scope, body, send)

    async def _body(self, scope: Scope, receive: Receive) -> Body:
        # A slow client takes no place in the queue, only memory for what it has sent.
        self.reading += 1
        try:
            return await asyncio.wait_for(Body.read(scope, receive), BODY_SECONDS)
        except TimeoutError:
            return Body(problem=("timeout", 408))
        finally:
            self.reading -= 1

    async def _in_thread(self, scope: Scope, body: Body, send: Send) -> None:
        if self.free <= 0:
            await Answer.problem("unavailable", 503, scope["path"])(send)
            return
        self.free -= 1
        try:
            await self.pages(scope, body.replay, send)
        finally:
            self.free += 1

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._each("startup")
        except Exception as error:
            logger.exception("start-up failed")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        garbage.settle()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._each("shutdown")
        self.pages.executor.shutdown(wait=False, cancel_futures=True)
        await send({"type": "lifespan.shutdown.complete"})

    async def _each(self, name: str) -> None:
        for handler in dict.fromkeys(self.raw.values()):
            if step := getattr(handler, name, None):
                await step()


async def _counted(
    place: str, application: Application, scope: Scope, receive: Receive, send: Send
) -> None:
    status, began = 0, time.perf_counter()

    async def noting(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        await send(message)

    try:
        await application(scope, receive, noting)
    finally:
        traffic.note(place, status, time.perf_counter() - began)


django_application = get_wsgi_application()
application = Front(
    django_application,
    {prefix: import_string(name) for prefix, name in settings.RAW_HANDLERS.items()},
    threads=settings.WEB_THREADS,
    queue=settings.WEB_QUEUE,
)
