"""A front with two threads and one place in the queue, for tests that fill it."""

import asyncio
import threading
from typing import Any

from config.asgi import Front

gate = threading.Event()


def site(environ: Any, start_response: Any) -> list[bytes]:
    """Waits at /wait until somebody asks for /open; echoes the length of the body elsewhere."""
    path = environ["PATH_INFO"]
    if path == "/wait":
        gate.wait(30)
    body = f"{len(environ['wsgi.input'].read())} {environ.get('HTTP_X_FORWARDED_FOR', '-')}"
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body.encode()]


class Raw:
    """A raw handler that says whether it was started."""

    started = False

    async def startup(self) -> None:
        self.started = True

    async def shutdown(self) -> None:
        await asyncio.sleep(0)
        print("raw handler stopped", flush=True)  # noqa: T201  (read by the test)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/raw/open":
            gate.set()
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body", "body": str(self.started).encode()})


application = Front(site, {"/raw/": Raw()}, threads=2, queue=1)
