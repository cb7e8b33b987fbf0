"""The pulse of a running export: that it is alive, how far it is, and whether it still owns it."""

import threading
from types import TracebackType
from typing import Self
from uuid import UUID

from django.db import Error, connection

from compliance.evidence.models import ExportProgress
from config import clock

BEAT = 1.0


class TakenOver(RuntimeError):
    """This run was given up for dead, and another one has begun."""


class Pulse:
    """While it is entered, a thread writes the progress every second, on its own connection.

    The run itself reads in one long transaction, in which nobody else could see its progress.
    """

    def __init__(self, export_id: int, token: UUID) -> None:
        self._mine = ExportProgress.objects.filter(export_id=export_id, token=token)
        self._done = self._total = 0
        self._stop, self._lost = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"export {export_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def report(self, done: int, total: int) -> None:
        """How far it is. Raises `TakenOver`."""
        self._done, self._total = done, total
        if self._lost.is_set():
            raise TakenOver

    def _run(self) -> None:
        while not self._stop.wait(BEAT):
            self._beat()
        self._beat()
        connection.close()

    def _beat(self) -> None:
        try:
            kept = self._mine.update(done=self._done, total=self._total, seen_at=clock.now())
        except Error:
            connection.close()  # the next beat opens another; silence for a minute is death
            return
        if not kept:
            self._lost.set()
