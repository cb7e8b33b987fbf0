"""Threads that sleep until something is due, or they are woken, and then do one turn."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import structlog
from django.db import InterfaceError, OperationalError, connection

from config.due.crews import LONGEST_SLEEP, Crew
from config.due.listening import Listener

log = structlog.get_logger(__name__)

type Turn = Callable[[], float | None]


@dataclass
class Loop:
    """A thread that calls `turn` again and again; it answers how long to sleep."""

    name: str
    turn: Turn
    wakes: str = ""
    wake: threading.Event = field(default_factory=threading.Event)

    def run(self, stop: threading.Event) -> None:
        """Until stopped. What the turn raises ends this turn, never the loop."""
        pause = 0.2
        while not stop.is_set():
            self.wake.clear()  # before looking: what comes while we look wakes us again
            try:
                wait = self.turn()
                pause = 0.2
            except (OperationalError, InterfaceError) as error:
                log.warning("database is away", loop=self.name, reason=str(error).strip())
                connection.close()
                wait, pause = pause, min(pause * 2, LONGEST_SLEEP)
            except Exception:
                log.exception("loop failed", loop=self.name)
                wait = 1.0
            if wait is None or wait > 0:
                self.wake.wait(LONGEST_SLEEP if wait is None else min(wait, LONGEST_SLEEP))
        connection.close()


class Loops:
    """All loops of a process, and the listener that wakes them."""

    def __init__(
        self, loops: Sequence[Loop], stop: threading.Event, crews: Sequence[Crew] = ()
    ) -> None:
        self._loops, self._crews, self._stop = loops, crews, stop
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Have them all run, each in its thread, until stopped."""
        listener = Listener(self.wake, self._stop)
        self._threads = [_thread("listener", listener.run)]
        self._threads += [_thread(loop.name, loop.run, self._stop) for loop in self._loops]

    def wake(self, name: str) -> None:
        """Wake those that wait for news of that name; all of them where it is empty."""
        for wakes, event in self._wakers():
            if name in ("", wakes):
                event.set()

    def join(self, end: float) -> list[str]:
        """Wait for all to end, but not beyond that monotonic time; who did not."""
        self.wake("")
        for thread in self._threads:
            thread.join(max(end - time.monotonic(), 0))
        return [thread.name for thread in self._threads if thread.is_alive()]

    def _wakers(self) -> Iterator[tuple[str, threading.Event]]:
        yield from ((loop.wakes, loop.wake) for loop in self._loops)
        yield from ((crew.queue.model._meta.db_table, crew.wake) for crew in self._crews)


def when_database_answers(run: Callable[[], object], stop: threading.Event) -> None:
    """Run it, again and again while the database is away, until stopped."""
    pause = 0.2
    while not stop.is_set():
        try:
            run()
            return
        except (OperationalError, InterfaceError) as error:
            log.warning("waiting for the database", reason=str(error).strip())
            connection.close()
            stop.wait(pause)
            pause = min(pause * 2, LONGEST_SLEEP)


def _thread(name: str, run: Callable[..., None], *arguments: object) -> threading.Thread:
    # Daemons: an attempt that hangs in the network must not hold up the end of the process.
    thread = threading.Thread(target=run, args=arguments, name=name, daemon=True)
    thread.start()
    return thread
