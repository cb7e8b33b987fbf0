"""Keeps a set of processes running: restarts what dies, and ends all of them together.

Each process leads a group of its own, because a program's children outlive it: django-q's workers
go on when their parent is killed. So what is left of a dead one's group is killed before it is
started again.
"""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from config import janitor
from config.console import Console

FIRST_PORT = 8000
LAST_PORT = 8999
TICK = 0.1
STOP_GRACE = 6.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
STEADY = 10.0  # seconds alive after which a death counts as the first again


class StartRefused(Exception):
    """Something outside is in the way; the text says what and what to do."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `fds` are handed down open, so that a restart finds the same socket."""

    name: str
    command: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    fds: tuple[int, ...] = ()


@dataclass(slots=True)
class Running:
    """A program's present process, or, between two, when the next one is due."""

    program: Program
    process: subprocess.Popen[str] | None = None
    since: float = 0.0
    pause: float = SHORTEST_PAUSE
    due: float = 0.0


class Supervisor:
    """Runs programs until told to stop. `on_tick` is called ten times a second in between."""

    def __init__(
        self, programs: Sequence[Program], console: Console, lock: int | None = None
    ) -> None:
        self._all = [Running(program) for program in programs]
        self._console = console
        self._lock = lock
        self._stopping = threading.Event()
        self._janitor: subprocess.Popen[str] | None = None
        self._files: list[Path] = []

    @property
    def pids(self) -> dict[str, int]:
        """The process ids as they are now; a program that is just being restarted is left out."""
        return {each.program.name: each.process.pid for each in self._all if each.process}

    def removes(self, file: Path) -> None:
        """A file that must not outlive the processes, however they end."""
        self._files.append(file)

    def request_stop(self, signum: int = 0, frame: FrameType | None = None) -> None:
        """Stop soon; asked again, at once. Also the handler of signals."""
        if self._stopping.is_set():
            self._signal(signal.SIGKILL)
        self._stopping.set()

    def run(self, on_tick: Callable[[], None] = lambda: None) -> None:
        """Start everything, keep it running until a stop is requested, and end it."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.request_stop)
        try:
            while not self._stopping.is_set():
                self._keep_janitor()
                for each in self._all:
                    self._keep(each)
                on_tick()
                self._stopping.wait(TICK)
        finally:
            self._end()

    def _keep(self, running: Running) -> None:
        if running.process is None:
            if time.monotonic() >= running.due and not self._stopping.is_set():
                self._start(running)
            return
        if (status := running.process.poll()) is not None:
            self._bury(running)
            if time.monotonic() - running.since > STEADY:
                running.pause = SHORTEST_PAUSE
            running.due = time.monotonic() + running.pause
            name = running.program.name
            self._console.say(f"ended ({_reason(status)}); starting it again", name)
            running.pause = min(running.pause * 2, LONGEST_PAUSE)

    def _start(self, running: Running) -> None:
        program = running.program
        running.process = subprocess.Popen(
            list(program.command),
            env={**os.environ, **program.environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=program.fds,
            start_new_session=True,
        )
        running.since = time.monotonic()
        self._tell_janitor(f"+{running.process.pid}")
        if running.process.stdout is not None:
            self._console.follow(program.name, running.process.stdout)

    def _bury(self, running: Running) -> None:
        """Kill what a dead process left of its group, and forget it."""
        if running.process is not None:
            _signal_group(running.process.pid, signal.SIGKILL)
            self._tell_janitor(f"-{running.process.pid}")
            running.process = None

    def _end(self) -> None:
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_GRACE
        while self._living() and time.monotonic() < deadline:
            time.sleep(0.02)
        for each in self._living():
            self._console.say("does not stop; killed", each.program.name)
        self._signal(signal.SIGKILL)
        for each in self._all:
            if each.process is not None:
                each.process.wait()
                self._bury(each)
        for file in self._files:
            file.unlink(missing_ok=True)
        if self._janitor is not None and self._janitor.stdin is not None:
            with suppress(BrokenPipeError):
                self._janitor.stdin.close()
            self._janitor.wait()

    def _living(self) -> list[Running]:
        return [each for each in self._all if each.process and each.process.poll() is None]

    def _signal(self, number: signal.Signals) -> None:
        """Ask leaders to stop, since they know in which order; kill whole groups."""
        for each in self._all:
            if each.process is None:
                continue
            if number == signal.SIGKILL:
                _signal_group(each.process.pid, number)
            else:
                each.process.send_signal(number)

    def _keep_janitor(self) -> None:
        if self._janitor is not None and self._janitor.poll() is None:
            return
        self._janitor = subprocess.Popen(
            [sys.executable, "-I", "-S", janitor.__file__],
            stdin=subprocess.PIPE,
            text=True,
            bufsize=1,
            start_new_session=True,
            pass_fds=() if self._lock is None else (self._lock,),
        )
        for file in self._files:
            self._tell_janitor(f"={file}")
        for pid in self.pids.values():
            self._tell_janitor(f"+{pid}")

    def _tell_janitor(self, line: str) -> None:
        if self._janitor is not None and self._janitor.stdin is not None:
            with suppress(BrokenPipeError):  # it was killed: the next round starts another
                self._janitor.stdin.write(f"{line}\n")


def listen(wanted: int | None) -> socket.socket:
    """A listening socket on loopback: on the wanted port or not at all, else on the first free one.

    The supervisor keeps it and hands it down, so that no restart of the web process refuses a
    connection, and nobody else takes the port in between.
    """
    for port in [wanted] if wanted is not None else range(FIRST_PORT, LAST_PORT + 1):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(2048)
        except (OSError, OverflowError) as error:
            listener.close()
            if wanted is not None:
                raise StartRefused(
                    f"Port {wanted} can't be used ({error}). Free it, or choose another with PORT "
                    f"or --port; without either, the first free port from {FIRST_PORT} is taken."
                ) from error
            continue
        return listener
    raise StartRefused(f"No port from {FIRST_PORT} to {LAST_PORT} is free.")


def only_one(lock_file: Path, patience: float = 10.0) -> int:
    """A lock that says: running from this folder. Waits for a killed one's janitor to finish."""
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT, 0o644)
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            holder = os.read(descriptor, 20).strip().decode()
            os.lseek(descriptor, 0, os.SEEK_SET)
            if time.monotonic() > deadline or _signal_process(int(holder or 0)):
                os.close(descriptor)
                raise StartRefused(
                    f"Watchbill already runs from this folder (process {holder}); stop it first."
                ) from None
            time.sleep(0.1)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def _signal_process(pid: int) -> bool:
    """Whether such a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def _signal_group(leader: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _reason(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
