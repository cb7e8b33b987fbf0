"""The worker: one process that does what falls due, and a second one that sends."""

import datetime
import threading
import time

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction

from config import clock, garbage
from config.audit import sealing
from config.audit.models import Unsealed
from config.due import installation, selfaudit, webhook
from config.due.companion import Companion
from config.due.crews import Crew
from config.due.jobs import sync_schedules
from config.due.loops import Loop, Loops, Turn, when_database_answers
from config.due.models import Installation, OutboundMessage
from config.due.outbox import Outbox
from config.due.parking import adopt_parked
from config.due.queues import Claimant, claimants, queues

log = structlog.get_logger(__name__)

GRACE = 5.0
BEAT = 3.0
SEAL = 5.0
AUDIT = 60.0
LAST_PATIENCE = 1.0  # for the sending process to be gone, once it was killed


class Worker:
    """Decides what falls due, in this process, and sends, in a second one, until `stop` is set."""

    def __init__(self) -> None:
        self.name = installation.worker_name()
        self.stop = threading.Event()
        self._started_at = clock.now()
        self._crews = [Crew(queue, self.stop) for queue in queues()]
        self._loops = Loops(self._make_loops(), self.stop, self._crews)
        self._was_stopped = False

    def run(self) -> bool:
        """Work until stopped, then let what runs finish, for a few seconds.

        False when it ended because nothing could be sent any more: it is to be started again.
        """
        garbage.settle()
        sender = Companion(send, self._sender_ended)
        when_database_answers(installation.hear_the_time, self.stop)
        when_database_answers(installation.confirm, self.stop)
        when_database_answers(sync_schedules, self.stop)
        sender.go()
        self._loops.start()
        log.info("worker started", worker=self.name)
        self.stop.wait()
        self._end(sender)
        return self._was_stopped

    def request_stop(self) -> None:
        """End soon: somebody wants it so."""
        self._was_stopped = True
        self.stop.set()

    def _make_loops(self) -> list[Loop]:
        loops = [
            Loop(f"{crew.queue.name} {number}", crew.turn)
            for crew in self._crews
            for number in range(crew.queue.threads)
        ]
        loops += [Loop(each.name, _claimant_turn(each), each.name) for each in claimants()]
        loops.append(Loop("heartbeat", self._beat))
        loops.append(Loop("sealer", _seal))
        loops.append(Loop("parked", adopt_parked))
        loops.append(Loop("self-audit", _Audit()))
        return loops

    def _beat(self) -> float:
        installation.beat(self.name, self._started_at)
        return BEAT

    def _sender_ended(self) -> None:
        if not self.stop.is_set():
            log.error("the sending process is gone: the worker ends", worker=self.name)
            self.stop.set()

    def _end(self, sender: Companion) -> None:
        end = time.monotonic() + GRACE
        ending = threading.Thread(target=sender.end, args=(GRACE,), daemon=True)
        ending.start()
        left = self._loops.join(end)
        ending.join(max(end - time.monotonic(), 0) + LAST_PATIENCE)
        try:
            installation.leave(self.name)
        except DatabaseError:
            log.warning("could not say goodbye: the database is away")
        log.info("worker ended", worker=self.name, left=left)


def send(stop: threading.Event) -> None:
    """What the second process does: send, until stopped, and for a few seconds what has begun."""
    wake = threading.Event()
    outbox = Outbox(wake)
    loops = Loops(
        [
            Loop("outbox", outbox.turn, OutboundMessage._meta.db_table, wake),
            Loop("clock", _hear_the_time),
        ],
        stop,
    )
    loops.start()
    stop.wait()
    end = time.monotonic() + GRACE
    left = loops.join(end)
    while outbox.active() and time.monotonic() < end:
        time.sleep(0.05)
    log.info("sending ended", left=left, sending=outbox.active())


def _hear_the_time() -> float:
    installation.hear_the_time()
    return BEAT


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
