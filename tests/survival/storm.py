"""Many alerts from senders that retry as real ones do, and providers that write down what comes."""

import http.client
import itertools
import json
import random
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SENDERS = 8
PATIENCE = 60.0
BETWEEN_TRIES = 0.1
AWAY = (urllib.error.URLError, http.client.HTTPException, OSError)


@dataclass(frozen=True)
class Reply:
    """What a request was answered; status 0: nothing, the connection was cut."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_clear(self) -> bool:
        """Taken, or told to come again later, or cut off: never an error without a word."""
        return self.status in (0, 200, 202) or (
            self.status == 503 and self.headers.get("retry-after", "").isdigit()
        )


def post(url: str, body: bytes, kind: str = "application/json", **headers: str) -> Reply:
    """One request."""
    return _ask(urllib.request.Request(url, body, {"Content-Type": kind, **headers}))


def fetch(url: str, **headers: str) -> Reply:
    """One page."""
    return _ask(urllib.request.Request(url, headers=headers))


def _ask(request: urllib.request.Request) -> Reply:
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            return Reply(answer.status, _lower(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, _lower(error.headers), error.read())
    except AWAY:
        return Reply(0)


def post_until_taken(
    url: str,
    body: bytes,
    kind: str = "application/json",
    *,
    each: Callable[[Reply], None] = lambda reply: None,
) -> Reply:
    """Again and again, as Alertmanager would; the last reply. `each` is told of all of them."""
    deadline = time.monotonic() + PATIENCE
    while True:
        reply = post(url, body, kind)
        each(reply)
        if reply.status in (200, 202) or time.monotonic() > deadline:
            return reply
        time.sleep(BETWEEN_TRIES)


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


class Storm:
    """At least `total` alerts over `keys` keys, `a_second` at most, from a few senders at once."""

    def __init__(
        self, url: str, *, total: int, keys: int, a_second: float, name: str = "key"
    ) -> None:
        self.url = url
        self.name = name
        self.keys = keys
        self.others = 0
        self.total = total
        self.pause = SENDERS / a_second
        self.accepted: dict[int, bytes] = {}
        self.statuses: Counter[int] = Counter()
        self.unclear: list[Reply] = []
        self._numbers = itertools.count()
        self._ending = False
        self._lock = threading.Lock()

    @property
    def incidents(self) -> int:
        """How many there must be when all of it was worked through."""
        return self.keys + self.others

    @contextmanager
    def raging(self) -> Iterator[None]:
        """It rages meanwhile, and until all of it was sent."""
        self._ending = False
        threads = [threading.Thread(target=self._send, daemon=True) for _ in range(SENDERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ending = True
        for thread in threads:
            thread.join(PATIENCE + self.total * self.pause / SENDERS)

    def strike_once(self, title: str) -> None:
        """One alert more, about something else, by a sender of its own."""
        self.others += 1
        self._post(json.dumps({**alert(0, 1), "dedup_key": title, "title": title}).encode())

    def _send(self) -> None:
        while True:
            with self._lock:
                number = next(self._numbers)
            if self._ending and number >= self.total:
                return
            self._post(json.dumps(alert(number, self.keys, self.name)).encode())
            time.sleep(self.pause)

    def _post(self, body: bytes) -> None:
        post_until_taken(self.url, body, each=lambda reply: self._note(reply, body))

    def _note(self, reply: Reply, body: bytes) -> None:
        with self._lock:
            self.statuses[reply.status] += 1
            if not reply.is_clear:
                self.unclear.append(reply)
            if reply.status == 202:
                self.accepted[json.loads(reply.body)["id"]] = body


def alert(number: int, keys: int, name: str = "key") -> dict[str, Any]:
    """One of many: each key makes an incident of its own."""
    return {
        "dedup_key": f"{name}-{number % keys}",
        "title": f"Shelf {number % keys} is full",
        "service": "checkout",
        "level": "critical",
        "labels": {"number": str(number)},
    }


@dataclass(frozen=True)
class Arrival:
    """A page that a phone received."""

    at: float
    key: str
    address: str
    page: dict[str, Any]


class Phone:
    """A webhook receiver that remembers each page with its time, and lets `on_page` act on it."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.reckoned = 0  # how many of them belong to an earlier round
        self.on_page: Callable[[Arrival], None] = lambda arrival: None
        self.port = 0
        self.pause = 0.0  # before it answers
        self.refused = 0.0  # the share of pages for which it has no time just now

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/page"

    @contextmanager
    def ringing(self) -> Iterator["Phone"]:
        """It receives meanwhile."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        server.daemon_threads = True
        self.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        phone = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                key = self.headers["Idempotency-Key"]
                if random.random() < phone.refused:
                    self.send_response(503)
                    self.end_headers()
                    return
                arrival = Arrival(time.time(), key, self.path, json.loads(body))
                phone.arrivals.append(arrival)
                time.sleep(phone.pause)
                self.send_response(200)
                self.end_headers()
                phone.on_page(arrival)

            def log_message(self, *arguments: Any) -> None:
                pass

        return Handler


class Responder:
    """Acknowledges every second page by its link, as a person would, and notes when that held."""

    def __init__(self, web: str) -> None:
        self._web = web
        self.acknowledged: dict[str, float] = {}
        self._threads: list[threading.Thread] = []
        self._seen: set[str] = set()

    def answer(self, arrival: Arrival) -> None:
        """Every second incident, once."""
        incident = arrival.page["incident"]
        if int(incident.rpartition("-")[2]) % 2 or incident in self._seen:
            return
        self._seen.add(incident)
        thread = threading.Thread(target=self._tap, args=(arrival,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _tap(self, arrival: Arrival) -> None:
        link = self._web + urllib.parse.urlsplit(arrival.page["ack_url"]).path
        form = "application/x-www-form-urlencoded"
        if post_until_taken(link, b"action=acknowledge", form).status == 200:
            self.acknowledged[arrival.page["incident"]] = time.time()

    def finish(self) -> None:
        """All taps have been answered."""
        for thread in self._threads:
            thread.join(PATIENCE)
