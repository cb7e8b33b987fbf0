"""Growth: memory and open files of each process, bytes and rows of each table."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import NamedTuple

from django.db import connection
from psycopg import sql

EVERY = 2.0
MEMORY_GROWTH = 64  # MB in the second half of the time, more than which is a leak
FILES_GROWTH = 40
FEW = 20  # samples that are too few to tell growth from chance
LARGE = 16  # MB of a table, below which nobody minds how much of it is empty
BLOAT = 4.0  # times as many bytes for each row as after the first round


class Sample(NamedTuple):
    """One process at one moment."""

    pid: int
    megabytes: float
    files: int


class Table(NamedTuple):
    """One table after one round."""

    rows: int
    megabytes: float

    @property
    def bytes_a_row(self) -> float:
        return self.megabytes * 1_000_000 / max(self.rows, 1)


def sample(pid: int) -> Sample | None:
    """What Linux says of it; None when it has just died."""
    place = Path(f"/proc/{pid}")
    with suppress(OSError, IndexError, ValueError):
        pages = int((place / "statm").read_text().split()[1])
        return Sample(pid, pages * 4096 / 1_000_000, len(list((place / "fd").iterdir())))
    return None


@dataclass
class Watch:
    """Samples in a thread of its own, by the name of the process."""

    processes: Callable[[], dict[str, int]]
    seen: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    tables: list[dict[str, Table]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Watch":
        threading.Thread(target=self._run, daemon=True).start()
        return self

    def __exit__(self, *arguments: object) -> None:
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(EVERY):
            for name, pid in list(self.processes().items()):
                if (found := sample(pid)) is not None:
                    self.seen[name].append(found)

    def measure_tables(self) -> None:
        """Once after each round, when all is quiet."""
        self.tables.append(dict(_tables()))

    def growth(self, steady: tuple[str, ...]) -> Iterator[str]:
        """What grew more than it may, in words: only who was never killed can show it."""
        for name in steady:
            halves = _halves(self.seen[name])
            if halves is None:
                continue
            first, last = halves
            if last.megabytes - first.megabytes > MEMORY_GROWTH:
                yield f"{name} grew from {first.megabytes:.0f} to {last.megabytes:.0f} MB"
            if last.files - first.files > FILES_GROWTH:
                yield f"{name} had {first.files} files open, then {last.files}"
        yield from self._bloat()

    def _bloat(self) -> Iterator[str]:
        if len(self.tables) < 2:
            return
        first, last = self.tables[0], self.tables[-1]
        for name, table in last.items():
            before = first.get(name, table)
            if table.megabytes > LARGE and table.bytes_a_row > BLOAT * before.bytes_a_row:
                yield f"table {name}: {table.megabytes:.0f} MB for {table.rows} rows"


def _halves(samples: list[Sample]) -> tuple[Sample, Sample] | None:
    """The middle of the time against its end, each the median of some; None when it was short."""
    if len(samples) < FEW:
        return None
    part = len(samples) // 5
    return _middle(samples[len(samples) // 2 :][:part]), _middle(samples[-part:])


def _middle(samples: list[Sample]) -> Sample:
    return Sample(
        samples[0].pid,
        median(each.megabytes for each in samples),
        int(median(each.files for each in samples)),
    )


def _tables() -> Iterator[tuple[str, Table]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_total_relation_size(oid) / 1e6 FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
        )
        for name, megabytes in cursor.fetchall():
            count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
            cursor.execute(count)
            yield name, Table(cursor.fetchone()[0], float(megabytes))


def wait_until(condition: Callable[[], bool], within: float, what: str) -> None:
    """Like `eventually`, for what is no test."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {within:.0f} s")
        time.sleep(0.2)
