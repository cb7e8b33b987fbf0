"""Processes of the product that needn't load it: `python -m tests.harness.nursery FD`.

Loading the house takes a processor a second, and tests start a hundred processes of it. A nursery
loads it once; what is born there goes by its own environment, as if it had been started itself.
"""

import fcntl
import importlib
import json
import os
import runpy
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from select import select
from typing import IO, Any

NUMBER = struct.Struct("i")
MESSAGE = 1 << 18
FDS = 32
ROOT = Path(__file__).resolve().parents[2]
HIGH = 500  # beyond what a process is handed


@dataclass(frozen=True)
class Order:
    """What is to be born: its words, its environment, and what it is handed."""

    words: list[str]
    env: dict[str, str]
    pass_fds: list[int]
    session: bool


class Born:
    """One such process, as `subprocess.Popen` would show it."""

    def __init__(self, args: Sequence[str], status: int) -> None:
        self.args = list(args)
        self.returncode: int | None = None
        self._status = os.fdopen(status, "rb", buffering=0)
        self.pid = self._read()

    def poll(self) -> int | None:
        """How it ended; None while it lives."""
        return self._ended(within=0)

    def wait(self, timeout: float | None = None) -> int:
        """How it ended.

        Raises:
            TimeoutExpired: it still lives after so many seconds.
        """
        ended = self._ended(within=timeout)
        if ended is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return ended

    def send_signal(self, number: int) -> None:
        """To it alone; nothing where it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """By SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """By SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _ended(self, within: float | None) -> int | None:
        if self.returncode is None and select([self._status], [], [], within)[0]:
            self.returncode = os.waitstatus_to_exitcode(self._read())
            self._status.close()
        return self.returncode

    def _read(self) -> int:
        said = self._status.read(NUMBER.size)
        if len(said) < NUMBER.size:
            raise RuntimeError(f"the nursery has died: {self.args} is alone")
        return int(NUMBER.unpack(said)[0])


def start(
    module: str,
    *words: str,
    env: dict[str, str],
    log: IO[bytes] | IO[str] | None = None,
    pass_fds: Sequence[int] = (),
    session: bool = False,
) -> Born:
    """As `python -m module words` in that environment, see `processes.start`."""
    mine, its = os.pipe()
    order = Order([module, *words], env, list(pass_fds), session)
    outputs = [log.fileno()] * 2 if log else [1, 2]
    fds = [its, *outputs, *pass_fds]
    socket.send_fds(_nursery(), [json.dumps(asdict(order)).encode()], fds)
    os.close(its)
    return Born(order.words, mine)


@cache
def _nursery() -> socket.socket:
    """The one of this process; it ends with it."""
    mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    house = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": "postgresql://nobody@/nothing",
    }
    kept = {key: value for key, value in os.environ.items() if not key.startswith("WATCHBILL_")}
    with its:
        subprocess.Popen(
            [sys.executable, "-m", __name__, str(its.fileno())],
            cwd=ROOT,
            env=kept | house,
            pass_fds=(its.fileno(),),
        )
    return mine


def main() -> None:
    """Load the house, and bear what is ordered until nobody can order any more."""
    control = socket.socket(fileno=int(sys.argv[1]))
    _load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who attend
    while True:
        said, fds, _, _ = socket.recv_fds(control, MESSAGE, FDS)
        if not said:
            return
        if os.fork() == 0:
            control.close()
            _attend(Order(**json.loads(said)), fds)
            return
        for number in fds:
            os.close(number)


def _load() -> None:
    garbage: Any = importlib.import_module("config.garbage")
    garbage.ignore()
    importlib.import_module("django").setup()
    for module in ("config.web", "config.urls", "config.due.worker", "django.test.signals"):
        importlib.import_module(module)


def _attend(order: Order, fds: list[int]) -> None:
    """Bear it, tell its number, and then how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    status, *handed = fds
    pid = os.fork()
    if pid == 0:
        os.close(status)
        _live(order, handed)
        return
    for number in handed:
        os.close(number)
    os.write(status, NUMBER.pack(pid))
    _, ended = os.waitpid(pid, 0)
    os.write(status, NUMBER.pack(ended))
    os._exit(0)


def _live(order: Order, handed: list[int]) -> None:
    if order.session:
        os.setsid()
    _place(handed, [1, 2, *order.pass_fds])
    os.environ.clear()
    os.environ.update(order.env)
    _read_environment()
    module, *words = order.words
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _place(handed: list[int], numbers: list[int]) -> None:
    """Under the numbers that they have where they came from."""
    away = [fcntl.fcntl(number, fcntl.F_DUPFD, HIGH) for number in handed]
    for number in handed:
        os.close(number)
    for number, place in zip(away, numbers, strict=True):
        os.dup2(number, place)
        os.close(number)


def _read_environment() -> None:
    """All that was read from the nursery's: the settings, and where to die."""
    conf: Any = importlib.import_module("django.conf")
    changed: Any = importlib.import_module("django.core.signals").setting_changed
    connections: Any = importlib.import_module("django.db").connections
    found = importlib.reload(importlib.import_module("config.settings"))
    for name in filter(str.isupper, dir(found)):
        value = getattr(found, name)
        if value != getattr(conf.settings, name):
            setattr(conf.settings, name, value)
            if name != "DATABASES":  # a warning is all that this would do
                changed.send(sender=None, setting=name, value=value, enter=True)
    for opened in connections.all(initialized_only=True):
        del connections[opened.alias]
    connections.settings = connections.configure_settings(None)
    importlib.reload(importlib.import_module("config.due.faults"))


if __name__ == "__main__":
    main()
