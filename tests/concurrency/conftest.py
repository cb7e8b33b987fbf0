"""Worker processes of their own, on a database of their own."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from config.due.models import WorkerHeartbeat
from tests.harness import processes
from tests.harness.databases import Clone


class Process:
    """One worker process, killed at the end whatever happens."""

    def __init__(self, clone: Clone, var: Path, log: Path, **environ: str) -> None:
        self.log = log
        with log.open("w") as output:
            self.process = processes.start(
                "tests.concurrency.worker_process",
                log=output,
                session=True,
                env={
                    **{k: v for k, v in os.environ.items() if not k.startswith("WATCHBILL_")},
                    "DJANGO_SETTINGS_MODULE": "config.settings",
                    "DATABASE_URL": clone.runtime_url,
                    "WATCHBILL_VAR": str(var),
                    "WATCHBILL_SECRET_KEY": django_settings.SECRET_KEY,
                    **environ,
                },
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def is_ready(self) -> bool:
        """It beats; a process that ended instead shows its log."""
        if self.process.poll() is not None:
            pytest.fail(self.log.read_text())
        return WorkerHeartbeat.objects.filter(pid=self.pid).exists()

    def ended_by(self) -> int | None:
        """The signal that killed it, if one did."""
        code = self.process.poll()
        return -code if code is not None and code < 0 else None

    def signal(self, number: signal.Signals) -> None:
        """To the whole of it."""
        os.killpg(self.pid, number)

    def end(self) -> None:
        with suppress(ProcessLookupError):
            self.signal(signal.SIGKILL)
        self.process.wait(10)


@pytest.fixture
def start_worker(
    fresh_db: Clone, tmp_path: Path, eventually: Callable[..., Any]
) -> Iterator[Callable[..., Process]]:
    """`start_worker(WATCHBILL_FAULT=...)`: a real worker on `fresh_db`, by default waited for."""
    started: list[Process] = []

    def start(*, ready: bool = True, **environ: str) -> Process:
        log = tmp_path / f"worker-{len(started)}.log"
        environ = {"WATCHBILL_LEASE_SECONDS": "2", **environ}
        started.append(Process(fresh_db, tmp_path / "var", log, **environ))
        if ready:
            eventually(started[-1].is_ready, within=30)
        return started[-1]

    yield start
    for process in started:
        process.end()
