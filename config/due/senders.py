"""Threads that send, one message at a time each, and keep their connections in between."""

import threading
from collections import deque
from collections.abc import Callable

import structlog
from django.db import connection

from config.due import lines
from config.due.leases import Lease
from config.due.sending import attempt

log = structlog.get_logger(__name__)

IDLE = 5.0  # seconds without work after which a thread ends

type Job = tuple[Lease, Callable[[], None]]


class Senders:
    """Starts a thread for each message for which none is idle."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._idle = 0

    def start(self, lease: Lease, ended: Callable[[], None]) -> None:
        """Send it, then call `ended`, whatever came of it."""
        with self._news:
            self._jobs.append((lease, ended))
            if len(self._jobs) <= self._idle:
                self._news.notify()
                return
        threading.Thread(target=self._work, name="sender", daemon=True).start()

    def _work(self) -> None:
        with lines.kept_connection():
            while job := self._next():
                _send(*job)
        connection.close()

    def _next(self) -> Job | None:
        with self._news:
            self._idle += 1
            try:
                self._news.wait_for(lambda: bool(self._jobs), IDLE)
                return self._jobs.popleft() if self._jobs else None
            finally:
                self._idle -= 1


def _send(lease: Lease, ended: Callable[[], None]) -> None:
    try:
        # The server may have gone since the last message; asking it costs less than the message.
        connection.close_if_unusable_or_obsolete()
        attempt(lease)
    except Exception:
        log.exception("an attempt was cut off; its lease will end", message=str(lease.pk))
        connection.close()
    finally:
        ended()
