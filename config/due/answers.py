"""What came of one attempt to send, and a limit on how long one may take."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from config.due.models import AttemptOutcome

CONNECT_SECONDS = 5.0


@dataclass(frozen=True)
class Answer:
    """How the attempt ended, and what the other side said; `retry_after` where it asked to wait."""

    outcome: AttemptOutcome
    text: str
    retry_after: float | None = None


def sent(text: str) -> Answer:
    """The other side took it."""
    return Answer(AttemptOutcome.SENT, text)


def failed(text: str, *, retry_after: float | None = None) -> Answer:
    """It may work later."""
    return Answer(AttemptOutcome.FAILED, text, retry_after)


def refused(text: str) -> Answer:
    """It will never work like this."""
    return Answer(AttemptOutcome.REFUSED, text)


class Watch:
    """Ends a connection at a deadline: a timeout per read never ends one that drips."""

    def __init__(self) -> None:
        self.expired = False
        self._lock = threading.Lock()
        self._twin: socket.socket | None = None

    def over(self, opened: socket.socket) -> None:
        """Watch this connection, whatever wraps its socket later."""
        with self._lock:
            # A twin of the descriptor: wrapping in TLS takes the socket object's own away, and a
            # wrapped one can't be asked for its twin.
            self._twin = socket.socket(fileno=os.dup(opened.fileno()))
        if self.expired:
            self.expire()

    def expire(self) -> None:
        """The time is up."""
        self.expired = True
        with self._lock, suppress(OSError):
            if self._twin is not None:
                self._twin.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """No longer needed."""
        with self._lock:
            if self._twin is not None:
                self._twin.close()
                self._twin = None


@contextmanager
def deadline(seconds: float) -> Iterator[Watch]:
    """A watch that ends its connection when the seconds are over."""
    watch = Watch()
    alarm = threading.Timer(seconds, watch.expire)
    alarm.daemon = True
    alarm.start()
    try:
        yield watch
    finally:
        alarm.cancel()
        watch.end()
