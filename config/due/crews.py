"""The threads of one queue: one of them looks out, the others do what it has found before."""

import threading
import time
from contextlib import suppress

from django.db import Error, InterfaceError, OperationalError, connection

from config.due.batches import perform_all
from config.due.leases import Lease, claim, release, seconds_to_next
from config.due.queues import Queue

LONGEST_SLEEP = 5.0
# Seconds between claims: what falls due in between shares a claim and a transaction. A row that
# falls due alone is claimed at its instant.
GATHER = 0.01


class Crew:
    """Whoever holds the lookout sleeps until the next row is due, claims, and hands it on.

    So each due instant wakes one thread, and while that one works the next looks out.
    """

    def __init__(self, queue: Queue, stop: threading.Event) -> None:
        self.queue = queue
        self.wake = threading.Event()
        self._stop = stop
        self._lookout = threading.Lock()
        self._not_before = 0.0

    def turn(self) -> float:
        """What one thread does again and again."""
        with self._lookout:
            leases = self._look_out()
        try:
            perform_all(self.queue, leases, self._stop.is_set)
        except (OperationalError, InterfaceError):
            self._give_back(leases)
            raise
        if leases:
            self._give_back(leases)
        return 0.0

    def _look_out(self) -> list[Lease]:
        while not self._stop.is_set():
            self.wake.clear()  # before looking: what comes while we look wakes us again
            wait = seconds_to_next(self.queue.model)
            if (wait is None or wait > 0) and self.wake.wait(_at_most(wait)):
                continue
            self._stop.wait(self._not_before - time.monotonic())
            if leases := claim(self.queue.model, self.queue.batch):
                if len(leases) < self.queue.batch:
                    self._not_before = time.monotonic() + GATHER
                return leases
            if wait is not None and wait <= 0:
                # Due, yet not given to us: it is in another worker's hands.
                self.wake.wait(0.001 if wait > -0.01 else 0.05)
        return []

    def _give_back(self, leases: list[Lease]) -> None:
        """The database's trouble counts as nobody's attempt, and nobody waits for a lease's end."""
        if not connection.is_usable():
            connection.close()
        with suppress(Error):
            release(self.queue.model, leases)


def _at_most(wait: float | None) -> float:
    return LONGEST_SLEEP if wait is None else min(wait, LONGEST_SLEEP)
