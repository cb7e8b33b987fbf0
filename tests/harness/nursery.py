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
from contextlib import suppress
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
            with suppress(ProcessLookupError):  # ended since
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """By SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """By SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _ended(self, within: float | None) -> int | None:
        if self.returncode is None and select([self._status], [], [], within)[0]:
            self.returncode = self._read()
            self._status.close()
        return self.returncode

    def _read(self) -> int:
        said = self._status.read(NUMBER.size)
        if len(said) < NUMBER.size:
            raise RuntimeError(f"nobody can tell any more what became of {self.args}")
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
    try:
        fds = [its, *outputs, *pass_fds]
        socket.send_fds(_nursery(), [json.dumps(asdict(order)).encode()], fds)
    except OSError:
        os.close(mine)
        _nursery.cache_clear()  # this one is gone
        raise
    finally:
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever is at the keyboard means the tests
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
    """What every process of the product has loaded once Django is set up, and no more of ours.

    What a worker forgot to import must be missing there.
    """
    garbage: Any = importlib.import_module("config.garbage")
    garbage.ignore()
    importlib.import_module("django").setup()
    importlib.import_module("uvicorn")


def _attend(order: Order, fds: list[int]) -> None:
    """Bear it, and tell how it ended. It tells its number itself, once it leads its group."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    status, *handed = fds
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if order.session:
            os.setsid()
        os.write(status, NUMBER.pack(os.getpid()))
        os.close(status)
        _live(order, handed)
        return
    for number in handed:
        os.close(number)
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # its number stays taken
    assert ended is not None
    exited = ended.si_code == os.CLD_EXITED
    os.write(status, NUMBER.pack(ended.si_status if exited else -ended.si_status))
    os._exit(0)


def _live(order: Order, handed: list[int]) -> None:
    _place(handed, [1, 2, *order.pass_fds])
    os.environ.clear()
    os.environ.update(order.env)
    _renew()
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


def _renew() -> None:
    """What the nursery read of its own environment, or does only once."""
    conf: Any = importlib.import_module("django.conf")
    signals: Any = importlib.import_module("django.test.signals")
    connections: Any = importlib.import_module("django.db").connections
    found = importlib.reload(importlib.import_module("config.settings"))
    for name in filter(str.isupper, dir(found)):
        value = getattr(found, name)
        if value != getattr(conf.settings, name):
            setattr(conf.settings, name, value)
            if name != "DATABASES":  # a warning is all that this would do
                signals.setting_changed.send(sender=None, setting=name, value=value, enter=True)
    for opened in connections.all(initialized_only=True):
        del connections[opened.alias]
    connections.settings = connections.configure_settings(None)
    importlib.import_module("django_q.conf").Conf.SECRET_KEY = conf.settings.SECRET_KEY
    importlib.reload(importlib.import_module("config.due.faults"))
    # Nothing is loaded any more, after which it would be heeded again.
    importlib.import_module("config.garbage").ignore = lambda: None  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
