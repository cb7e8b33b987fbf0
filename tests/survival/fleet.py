"""An installation of real processes that tests kill: the web process, and workers."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.conf import settings

from config.due.models import WorkerHeartbeat
from config.supervisor import listen
from tests.harness.databases import ROOT, Clone

PATIENCE = 30.0
LEASE_SECONDS = 4.0
WEB = "web"


@dataclass
class Fleet:
    """Processes by name. `kills` counts all that ended by SIGKILL, also at a place of `faults`."""

    folder: Path
    environ: dict[str, str]
    port: int
    listener: int
    kills: int = 0
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, name: str, *, fault: str = "", module: str = "", **environ: str) -> None:
        """Start `web`, or a worker of any other name; at a place named `fault` it will die."""
        command = ["-m", module] if module else ["manage.py", "worker"]
        if name == WEB:
            command = ["-m", "config.web", "--fd", str(self.listener)]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env={**self.environ, "WATCHBILL_FAULT": fault, **environ},
                pass_fds=(self.listener,) if name == WEB else (),
                stdout=log,
                stderr=log,
            )

    def start_all(self, *workers: str, **environ: str) -> None:
        """The web process and these workers, waited for."""
        for name in (WEB, *workers):
            self.start(name, **environ)
        self.wait_for_web()
        for name in workers:
            self.wait_for_worker(name)

    def kill(self, *names: str) -> None:
        """As by kill -9, all at once."""
        for name in names:
            self.running[name].kill()
        for name in names:
            self.running[name].wait(10)
            self.has_died(name)

    def is_stopped(self, name: str) -> bool:
        """By SIGSTOP."""
        stat = Path(f"/proc/{self.running[name].pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"

    def has_died(self, name: str) -> bool:
        """Wait a little for its end; counts it and forgets it once it has died by SIGKILL."""
        process = self.running[name]
        try:
            status = process.wait(0.05)
        except subprocess.TimeoutExpired:
            return False
        if status != -signal.SIGKILL:
            pytest.fail(f"{name} ended with {status}:\n{self.log_of(name)}")
        del self.running[name]
        self.kills += 1
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

    def log_of(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-4000:]

    def end(self) -> None:
        for process in self.running.values():
            process.send_signal(signal.SIGCONT)
            process.kill()
        for process in self.running.values():
            process.wait(10)


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
