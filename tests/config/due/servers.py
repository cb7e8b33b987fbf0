"""Providers that behave, and providers that don't."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from aiosmtpd.smtp import AuthResult


@dataclass
class WebServer:
    """Answers each request as `answer` says, and remembers what came."""

    port: int = 0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    hold: threading.Event | None = None
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@contextmanager
def web_server(**settings: Any) -> Iterator[WebServer]:
    """A webhook receiver on loopback."""
    state = WebServer(**settings)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            state.requests.append((self.path, dict(self.headers), body))
            if state.hold is not None:
                state.hold.wait(20)
            self.send_response(state.status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(state.body)

        do_GET = do_POST  # noqa: N815  (the base class calls it so)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port at which `talk` speaks to the first caller in its own words."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            with listener.accept()[0] as connection:
                talk(connection)
        except OSError:
            pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.close()
        thread.join(5)


def drip(connection: socket.socket, text: bytes = b"x") -> None:
    """A byte every few hundredths of a second, until the other side has had enough."""
    while True:
        connection.sendall(text)
        time.sleep(0.02)


@dataclass
class Mailbox:
    """What a mail server took."""

    port: int
    mails: list[Message]
    times: list[float] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"


@contextmanager
def mail_server(**replies: str) -> Iterator[Mailbox]:
    """A mail server on loopback; `rcpt` or `data` replace its reply there, `password` is wanted."""
    box = Mailbox(0, [])

    class Handler(MessageHandler):
        def handle_message(self, message: Message) -> None:
            box.times.append(time.time())
            box.mails.append(message)

        async def handle_RCPT(  # noqa: N802  (aiosmtpd calls it so)
            self, server: Any, session: Any, envelope: Any, address: str, options: Any
        ) -> str:
            envelope.rcpt_tos.append(address)
            return replies.get("rcpt", "250 OK")

        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  (aiosmtpd calls it so)
            if "data" in replies:
                return replies["data"]
            self.handle_message(self.prepare_message(session, envelope))
            return "250 OK queued as 1A2B"

    with socket.create_server(("127.0.0.1", 0)) as probe:
        box.port = int(probe.getsockname()[1])

    def knows(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        right = data.password.decode() == replies["password"]
        return AuthResult(success=right, handled=False)

    login: dict[str, Any] = {}
    if "password" in replies:
        login = {"authenticator": knows, "auth_require_tls": False}
    controller = Controller(Handler(), hostname="127.0.0.1", port=box.port, **login)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
