"""The worker process: loops in threads that sleep until something is due, or they are woken."""

import datetime
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import structlog
from django.conf import settings
from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)

from config import clock
from config.audit import sealing
from config.audit.models import Unsealed
from config.due import installation, selfaudit, webhook
from config.due.crews import LONGEST_SLEEP, Crew
from config.due.jobs import sync_schedules
from config.due.listening import Listener
from config.due.models import Installation, OutboundMessage
from config.due.outbox import Outbox
from config.due.parking import adopt_parked
from config.due.queues import Claimant, claimants, queues

log = structlog.get_logger(__name__)

GRACE = 5.0
BEAT = 3.0
SEAL = 5.0
AUDIT = 60.0

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


class Worker:
    """All loops of one process, until `stop` is set."""

    def __init__(self) -> None:
        self.name = installation.worker_name()
        self.stop = threading.Event()
        self._started_at = clock.now()
        self._outbox_wake = threading.Event()
        self._outbox = Outbox(self._outbox_wake)
        self._crews = [Crew(queue, self.stop) for queue in queues()]
        self._loops = self._make_loops()

    def run(self) -> None:
        """Work until stopped; then let what runs finish, for a few seconds."""
        _when_database_answers(installation.hear_the_time, self.stop)
        _when_database_answers(installation.confirm, self.stop)
        _when_database_answers(sync_schedules, self.stop)
        listener = Listener(self._heard, self.stop)
        threads = [self._thread("listener", listener.run)]
        threads += [self._thread(loop.name, loop.run, self.stop) for loop in self._loops]
        log.info("worker started", worker=self.name, loops=len(self._loops))
        self.stop.wait()
        self._end(threads)

    def _make_loops(self) -> list[Loop]:
        loops = [
            Loop(f"{crew.queue.name} {number}", crew.turn)
            for crew in self._crews
            for number in range(crew.queue.threads)
        ]
        loops += [Loop(each.name, _claimant_turn(each), each.name) for each in claimants()]
        table = OutboundMessage._meta.db_table
        loops.append(Loop("outbox", self._outbox.turn, table, self._outbox_wake))
        loops.append(Loop("heartbeat", self._beat))
        loops.append(Loop("sealer", _seal))
        loops.append(Loop("parked", adopt_parked))
        loops.append(Loop("self-audit", _Audit()))
        return loops

    def _beat(self) -> float:
        installation.beat(self.name, self._started_at)
        return BEAT

    def _heard(self, name: str) -> None:
        for wakes, event in self._wakers():
            if name in ("", wakes):
                event.set()

    def _wakers(self) -> Iterator[tuple[str, threading.Event]]:
        yield from ((loop.wakes, loop.wake) for loop in self._loops)
        yield from ((crew.queue.model._meta.db_table, crew.wake) for crew in self._crews)

    def _thread(self, name: str, run: Callable[..., None], *arguments: object) -> threading.Thread:
        # Daemons: an attempt that hangs in the network must not hold up the end of the process.
        thread = threading.Thread(target=run, args=arguments, name=name, daemon=True)
        thread.start()
        return thread

    def _end(self, threads: list[threading.Thread]) -> None:
        self._heard("")
        end = time.monotonic() + GRACE
        for thread in threads:
            thread.join(max(end - time.monotonic(), 0))
        while self._outbox.active() and time.monotonic() < end:
            time.sleep(0.05)
        try:
            installation.leave(self.name)
        except DatabaseError:
            log.warning("could not say goodbye: the database is away")
        left = [thread.name for thread in threads if thread.is_alive()]
        log.info("worker ended", worker=self.name, left=left, sending=self._outbox.active())


def _claimant_turn(claimant: Claimant) -> Turn:
    def turn() -> float:
        return 0.0 if claimant.run(claimant.limit) else claimant.every

    return turn


def _seal() -> float:
    if Unsealed.objects.exists():
        sealing.seal()
    return SEAL


class _Audit:
    """Each minute: was everything done that was due? Told to the database and the dead-man URL."""

    def __init__(self) -> None:
        self._next = time.monotonic() + 10.0  # a worker that just started has a backlog to do

    def __call__(self) -> float:
        wait = self._next - time.monotonic()
        if wait > 0:
            return wait
        self._next = time.monotonic() + AUDIT
        self.audit(clock.now())
        return AUDIT

    def audit(self, at: datetime.datetime) -> None:
        """Look, store what was seen, and ping only when all is well."""
        found = selfaudit.checks()
        good = selfaudit.all_done(found)
        if not good:
            words = {name: check.detail for name, check in found.items()}
            log.warning("self-audit: not all was done that was due", **words)
        _store(good, at)
        if good and settings.DEADMAN_URL:
            answer = webhook.call("GET", settings.DEADMAN_URL)
            log.info("dead-man URL called", outcome=str(answer.outcome), answer=answer.text)


@transaction.atomic
def _store(good: bool, at: datetime.datetime) -> None:
    row = Installation.objects.select_for_update().first()
    if row is not None:
        row.facts = {**row.facts, "self_audit": {"ok": good, "at": at.isoformat()}}
        row.save(update_fields=["facts"])


def _when_database_answers(run: Callable[[], object], stop: threading.Event) -> None:
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
