"""Sealing, verifying and exporting a long log: how fast, in how much memory, and how linear.

Two logs of rows that came in through the real triggers, one five times as long as the other. The
commands are processes of their own and take turns between the logs. What they cost on a log that
is nearly empty (starting Python, above all) is taken off. Rates are by the clock; what an entry
costs is the processor's time of the command and of the database's sessions together, because on a
shared machine the clock counts the others' work as ours.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from django.db import connection
from django.test import override_settings

from config.audit.sealing import seal
from config.organisation.models import User
from tests.benchmarks.measuring import Figure, assert_durable, settle
from tests.harness import databases
from tests.harness.databases import ROOT, Clone
from tests.harness.processes import environment

FEW = 100
SHORT, LONG = 200_000, 1_000_000  # entries
EXPORTED = 100_000  # rows of the short log; of the long one, all
LARGEST_GROWTH = 64.0
LARGEST_RATIO = 1.2
EVENTS = """
    INSERT INTO config_event (kind, subject_type, subject_id, subject_name, actor_id, origin, at,
        recorded_at, reason, data)
    SELECT 'bench.event', '', n, 'INC-' || n, %s, 'system', %s::timestamptz, %s::timestamptz,
        'a reason of ordinary length', '{"number": 1, "words": "some more text"}'
    FROM generate_series(1, %s) AS n
"""
EARLY, LATE = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
PERIOD = ("--from", "2025-12-01", "--to", "2026-01-15")


@dataclass(frozen=True)
class Cost:
    """What a command took: megabytes at its peak, seconds, and seconds of the processor."""

    memory: float
    seconds: float
    work: float

    def __sub__(self, other: Self) -> Self:
        memory, seconds = self.memory - other.memory, self.seconds - other.seconds
        return type(self)(memory, seconds, self.work - other.work)


class Log:
    """A database with its key and its checkpoints."""

    def __init__(self, clone: Clone, folder: Path) -> None:
        self._clone = clone
        self._folder = folder
        self._rows = self._early = 0

    def add(self, at: str, count: int) -> None:
        """So many events of that time, by one statement."""
        with databases.pointed_at(self._clone), connection.cursor() as cursor:
            assert_durable()
            cursor.execute(EVENTS, [User.objects.system().pk, at, at, count])
        self._rows += count
        self._early += count if at == EARLY else 0

    def seal(self) -> Cost:
        """All that waits."""
        keys, checkpoints = self._folder / "keys" / "signing.pem", self._folder / "checkpoints"
        before, began, own = self._work(), time.perf_counter(), time.process_time()
        with (
            databases.pointed_at(self._clone),
            override_settings(SIGNING_KEY=keys, CHECKPOINT_DIR=checkpoints),
        ):
            seal()
        taken, own = time.perf_counter() - began, time.process_time() - own
        return Cost(0.0, taken, own + self._work() - before)

    def settle(self) -> None:
        """Leave nothing for the database's own housekeeping."""
        with databases.pointed_at(self._clone):
            settle()

    def verify(self) -> Cost:
        """`audit_verify`, which has to find all entries, and nothing wrong with them."""
        cost, said = self._run("audit_verify", "--json")
        report = json.loads(said)
        if not report["ok"] or report["entries"] < self._rows:
            raise RuntimeError(f"audit_verify says {said}")
        return cost

    def export(self) -> Cost:
        """`audit_export` of the early rows."""
        pack = self._folder / "pack.zip"
        cost, _ = self._run("audit_export", *PERIOD, "--out", str(pack))
        with zipfile.ZipFile(pack) as container:
            rows = json.loads(container.read("manifest.json"))["files"]["data/events.jsonl"]["rows"]
        if rows != self._early:
            raise RuntimeError(f"{rows} of {self._early} rows are in the pack")
        return cost

    def _run(self, *command: str) -> tuple[Cost, str]:
        """A command of manage.py, which must end well, and what it said."""
        before, began = self._work(), time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=environment(self._clone, self._folder),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{command[0]} ended with {process.returncode}: {said[-500:]}")
        taken, own = time.perf_counter() - began, usage.ru_utime + usage.ru_stime
        return Cost(usage.ru_maxrss / 1000, taken, own + self._work() - before), said

    def _work(self) -> float:
        """Seconds of the processor that the server's ended sessions have had, ever."""
        server = databases.server()
        with server.connect(server.owner) as owner:
            while owner.execute(_SESSIONS, [self._clone.name]).fetchone() != (0,):
                time.sleep(0.01)
            session = owner.info.backend_pid
            time.sleep(0.05)  # a session leaves the list just before it ends
            _, postmaster, *_ = _proc(session)
            *_, user, system = _proc(int(postmaster))[:15]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def figures() -> Iterator[Figure]:
    """Peak memory over that of a nearly empty log, rates, and the cost of an entry in both logs."""
    with ExitStack() as stack:
        short, long = (stack.enter_context(_log()) for _ in range(2))
        short.add(EARLY, FEW)
        short.seal()
        verifying, exporting = short.verify(), short.export()
        short.add(EARLY, EXPORTED - FEW)
        short.add(LATE, SHORT - EXPORTED)
        long.add(EARLY, LONG)
        yield from _linear("sealing", (short.seal(), long.seal()), (SHORT, LONG), "entries")
        for log in (short, long):
            log.settle()
        verified = _in_turns((short.verify, long.verify), turns=(0, 1, 0, 1))
        yield from _figures("audit_verify", verified, verifying, (SHORT, LONG), "entries")
        exported = _in_turns((short.export, long.export), turns=(0, 1, 0))
        yield from _figures("export", exported, exporting, (EXPORTED, LONG), "rows")


@contextmanager
def _log() -> Iterator[Log]:
    clone = databases.make_clone()
    try:
        with tempfile.TemporaryDirectory() as folder:
            yield Log(clone, Path(folder))
    finally:
        databases.drop_clone(clone)


def _in_turns(commands: Sequence[Callable[[], Cost]], *, turns: Sequence[int]) -> list[Cost]:
    """The most memory and the least time of each command: what else the machine does only adds."""
    costs: list[list[Cost]] = [[] for _ in commands]
    for turn in turns:
        costs[turn].append(commands[turn]())
    return [
        Cost(
            max(each.memory for each in found),
            min(each.seconds for each in found),
            min(each.work for each in found),
        )
        for found in costs
    ]


def _figures(
    name: str, costs: Sequence[Cost], idle: Cost, numbers: Sequence[int], what: str
) -> Iterator[Figure]:
    net = [cost - idle for cost in costs]
    for cost, number in zip(net, numbers, strict=True):
        yield Figure(f"{name} of {number:,}, memory", cost.memory, "MB", LARGEST_GROWTH)
    yield from _linear(name, net, numbers, what)


def _linear(
    name: str, costs: Sequence[Cost], numbers: Sequence[int], what: str
) -> Iterator[Figure]:
    """Rates, and that an entry costs the same however long the log is."""
    for cost, number in zip(costs, numbers, strict=True):
        rate = number / cost.seconds
        yield Figure(f"{name} of {number:,}", rate, f"{what}/s", 0.0, at_least=True)
    short, long = (cost.work / number * 1e6 for cost, number in zip(costs, numbers, strict=True))
    yield Figure(f"{name}, an entry of {numbers[1]:,}", long, "µs", LARGEST_RATIO, floor=short)


def _proc(process: int) -> list[str]:
    """State, parent and so on, as the kernel shows them (proc(5), from the third field)."""
    return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
