"""An installation of real processes that tests kill: web, background jobs, and workers."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.conf import settings

from config.due.models import WorkerHeartbeat
from config.supervisor import listen
from tests.harness import processes
from tests.harness.databases import ROOT, Clone

PATIENCE = 30.0
LEASE_SECONDS = 4.0
WEB = "web"
JOBS = "jobs"


@dataclass
class Fleet:
    """Processes by name. `kills` counts all that ended by SIGKILL, also at a place of `faults`."""

    folder: Path
    environ: dict[str, str]
    port: int
    listener: int
    kills: int = 0
    running: dict[str, processes.Running] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(
        self,
        name: str,
        *,
        fault: str = "",
        module: str = "",
        tree: Path | str = ROOT,
        python: str = sys.executable,
        **environ: str,
    ) -> None:
        """Start `web...`, `jobs` (django-q's cluster), or a worker of any other name.

        At a place named `fault` it will die. `tree` and `python` run another version's code.
        With WATCHBILL_CLOCK it goes by that clock.
        """
        command = [module] if module else self._command(name)
        if {"WATCHBILL_CLOCK"} & {*environ, *self.environ}:
            command = ["tests.survival.stepped", *command]
        env = {**self.environ, "WATCHBILL_FAULT": fault, **environ}
        fds = (self.listener,) if name.startswith(WEB) else ()
        with (self.folder / f"{name}.log").open("ab") as log:
            if tree == ROOT and python == sys.executable:
                self.running[name] = processes.start(
                    *command, env=env, log=log, pass_fds=fds, session=True
                )
                return
            self.running[name] = subprocess.Popen(
                [python, "-m", *command],
                cwd=tree,
                env=env,
                pass_fds=fds,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _command(self, name: str) -> list[str]:
        if name.startswith(WEB):
            return ["config.web", "--fd", str(self.listener)]
        return ["manage", "qcluster" if name == JOBS else "worker"]

    def start_all(self, *workers: str, **environ: str) -> None:
        """The web process and these workers, waited for."""
        for name in (WEB, *workers):
            self.start(name, **environ)
        self.wait_for_web()
        for name in workers:
            self.wait_for_worker(name)

    def kill(self, *names: str) -> None:
        """As by kill -9, all at once, with what they have started."""
        for name in names:
            _kill_group(self.running[name])
        for name in names:
            self.running[name].wait(10)
            self.has_died(name)

    def stop(self, name: str) -> None:
        """As by an administrator: it ends what it has begun, and then itself."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(PATIENCE)
        finally:
            _kill_group(process)
        if status not in (0, -signal.SIGTERM):
            pytest.fail(f"{name} ended with {status}:\n{self.log_of(name)}")

    def is_stopped(self, name: str) -> bool:
        """By SIGSTOP."""
        stat = Path(f"/proc/{self.running[name].pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"

    def halt(self, name: str) -> None:
        """Hang, by SIGSTOP, the whole of it."""
        os.killpg(self.running[name].pid, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let go on, by SIGCONT, what was stopped: the whole of it."""
        os.killpg(self.running[name].pid, signal.SIGCONT)

    def has_died(self, name: str) -> bool:
        """Wait a little for its end; counts it and forgets it once it has died by SIGKILL.

        The cluster of django-q may also give up by itself when it starts without a database.
        """
        process = self.running[name]
        try:
            status = process.wait(0.05)
        except subprocess.TimeoutExpired:
            return False
        killed = status == -signal.SIGKILL
        if not killed and name != JOBS:
            pytest.fail(f"{name} ended with {status}:\n{self.log_of(name)}")
        _kill_group(self.running.pop(name))
        self.kills += killed
        return True

    def wait_for_web(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        pytest.fail(f"the web process does not answer:\n{self.log_of(WEB)}")

    def wait_for_worker(self, name: str) -> None:
        pid = self.running[name].pid
        deadline = time.monotonic() + PATIENCE
        while not WorkerHeartbeat.objects.filter(pid=pid).exists():
            if time.monotonic() > deadline:
                pytest.fail(f"{name} does not begin:\n{self.log_of(name)}")
            time.sleep(0.05)

    def log_of(self, name: str, last: int = 4000) -> str:
        """The end of what it wrote; empty before its first start."""
        log = self.folder / f"{name}.log"
        return log.read_text(errors="replace")[-last:] if log.exists() else ""

    def end(self) -> None:
        for process in self.running.values():
            _kill_group(process)
        for process in self.running.values():
            process.wait(10)


def _kill_group(process: processes.Running) -> None:
    """As the supervisor does: the children of django-q's cluster outlive their parent."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def fleet_on(database: Clone, folder: Path, **environ: str) -> Iterator[Fleet]:
    """A fleet on that database; the socket stays open while its web process is dead."""
    with listen(None) as listener:
        port = listener.getsockname()[1]
        kept = {k: v for k, v in os.environ.items() if not k.startswith("WATCHBILL_")}
        fleet = Fleet(
            folder=folder,
            port=port,
            listener=listener.fileno(),
            environ=kept
            | {
                "DATABASE_URL": database.runtime_url,
                "DATABASE_OWNER_URL": database.owner_url,
                "PORT": str(port),
                "WATCHBILL_VAR": str(folder),
                "WATCHBILL_BASE_URL": f"http://127.0.0.1:{port}",
                "WATCHBILL_SECRET_KEY": settings.SECRET_KEY,
                "WATCHBILL_SIGNING_KEY": str(settings.SIGNING_KEY),
                "WATCHBILL_CHECKPOINT_DIR": str(settings.CHECKPOINT_DIR),
                "WATCHBILL_LEASE_SECONDS": str(LEASE_SECONDS),
                **environ,
            },
        )
        try:
            yield fleet
        finally:
            fleet.end()
