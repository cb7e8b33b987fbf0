"""Figures, and what the benchmarks share."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.db import connection

from tests.harness import databases


@dataclass(frozen=True)
class Figure:
    """One row of the table: the product's figure beside the floor's, and the wanted ratio.

    `target` bounds `ratio` where there is a floor, and `figure` where there is none; `at_least`
    says on which side it must be.
    """

    name: str
    figure: float
    unit: str
    target: float
    floor: float | None = None
    at_least: bool = False

    @property
    def ratio(self) -> float | None:
        """The figure in floors."""
        return self.figure / self.floor if self.floor else None

    @property
    def met(self) -> bool:
        """Whether the target is reached."""
        value = self.figure if self.ratio is None else self.ratio
        return value >= self.target if self.at_least else value <= self.target

    def as_dict(self) -> dict[str, Any]:
        """As `var/bench.json` has it."""
        found = asdict(self) | {"ratio": self.ratio, "met": self.met}
        return {name: found[name] for name in ("figure", "unit", "floor", "ratio", "target", "met")}


@contextmanager
def scratch() -> Iterator[databases.Clone]:
    """A database of one's own on the durable server, asserted to be durable."""
    clone = databases.make_clone()
    with databases.pointed_at(clone):
        assert_durable()
        yield clone
    databases.drop_clone(clone)


def assert_durable() -> None:
    """Both arms pay for durability, or the comparison is worth nothing."""
    with connection.cursor() as cursor:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            cursor.execute("SELECT current_setting(%s)", [name])
            if cursor.fetchone()[0] != "on":
                raise RuntimeError(f"{name} is off: this server is not for benchmarks")


def settle() -> None:
    """Statistics and a clean slate: neither arm pays for what was loaded before."""
    with databases.server().connect(
        databases.server().superuser or databases.server().owner, databases.current().name
    ) as owner:
        owner.execute("VACUUM (ANALYZE)")
        owner.execute("CHECKPOINT")


def in_turns(*arms: Callable[[], Any], times: int = 40, warm: int = 5) -> list[float]:
    """Milliseconds that each takes, in the middle of many.

    One after the other, again and again: what else the machine does hits all of them alike.
    """
    taken: list[list[float]] = [[] for _ in arms]
    for _ in range(warm + times):
        for arm, found in zip(arms, taken, strict=True):
            began = time.perf_counter()
            arm()
            found.append((time.perf_counter() - began) * 1000)
    return [statistics.median(found[warm:]) for found in taken]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of all lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def resident() -> float:
    """Megabytes of memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6
