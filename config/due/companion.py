"""A second process that lives exactly as long as the first one.

Python runs one thread at a time in each process: a worker decides in one and sends in the other,
so that neither waits for the other's turn.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

import structlog

from config.due import faults

log = structlog.get_logger(__name__)

GO = b"."

type Work = Callable[[threading.Event], None]


class Companion:
    """The second process: forked at once, so before the first thread and the first connection.

    It begins with `go`, and ends with `end`, or with the first process, however that one ends: the
    pipe between them closes then. `ended` is called when it has ended, for whatever reason.
    """

    def __init__(self, work: Work, ended: Callable[[], None]) -> None:
        first = os.getpid()
        reader, self._pipe = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._pipe)
            faults.die_with(first)
            _live(work, reader)
        os.close(reader)
        faults.die_with(self.pid)
        self._ended = ended
        self._watch = threading.Thread(target=self._wait, name="companion", daemon=True)

    def go(self) -> None:
        """Let it begin, and watch over it."""
        self._watch.start()
        with suppress(BrokenPipeError):  # ended before it began: the watch says so
            os.write(self._pipe, GO)

    def end(self, patience: float) -> None:
        """Ask it to end what it has begun, and then itself; kill it should it take longer."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._watch.is_alive():
                with suppress(ProcessLookupError):
                    os.kill(self.pid, number)
                self._watch.join(patience)

    def _wait(self) -> None:
        os.waitpid(self.pid, 0)
        self._ended()


def _live(work: Work, pipe: int) -> NoReturn:
    """In the second process: wait for the word, work until stopped, and never return."""
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    status = 1
    try:
        if os.read(pipe, len(GO)) == GO:
            threading.Thread(target=_die_with_it, args=(pipe,), daemon=True).start()
            work(stop)
        status = 0
    except BaseException:
        log.exception("the second process of a worker failed")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _die_with_it(pipe: int) -> None:
    os.read(pipe, 1)  # nothing is ever written: it returns when the other end is gone
    os._exit(1)
