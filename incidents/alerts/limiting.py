"""How much a source may send: counted in each process, and shared through the database.

A row that every request counted up would make all of them wait for each other's commit. So each
process counts by itself, tells the others once a second, and between that is a little generous.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

WINDOW = 60
MOST_KEYS = 10_000


@dataclass(slots=True)
class Usage:
    """What one source has sent in the present window."""

    shared: int = 0
    unshared: int = 0
    seen: set[str] = field(default_factory=set)

    @property
    def total(self) -> int:
        """As far as this process knows."""
        return self.shared + self.unshared


class Limiter:
    """Counts requests by source and window; no more than a register, without any waiting."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._window = 0
        self._usage: dict[int, Usage] = defaultdict(Usage)
        self.default = 6000
        self._limits: dict[int, int | None] = {}

    def learn(self, source_id: int, limit: int | None) -> None:
        """Remember the source's own limit; None: the setting holds."""
        self._limits[source_id] = limit

    def count(self, source_id: int) -> None:
        """One request was taken."""
        self._now(source_id).unshared += 1

    def is_over(self, source_id: int) -> bool:
        """Whether the source has used up its window."""
        limit = self._limits.get(source_id) or self.default
        return self._now(source_id).total >= limit

    def are_new(self, source_id: int, keys: Iterable[str]) -> bool:
        """Whether one of the keys wasn't seen over the limit in this window; remembers them.

        The first alert of each key gets in even then, so a flood of one never hides another.
        """
        seen = self._now(source_id).seen
        fresh = set(keys) - seen
        if not fresh or len(seen) + len(fresh) > MOST_KEYS:
            return False
        seen |= fresh
        return True

    def seconds_left(self) -> int:
        """Until the next window begins."""
        return max(1, WINDOW - int(self._wall()) % WINDOW)

    def to_share(self) -> dict[str, int]:
        """What the others don't know yet, by the key of the counter; sorted, for locking.

        A source with nothing new is among them: its total tells what the others have counted.
        """
        self._roll()
        return {
            f"ingest:{source_id}:{self._window}": usage.unshared
            for source_id, usage in sorted(self._usage.items())
        }

    def shared(self, told: Mapping[str, int], totals: Mapping[str, int]) -> None:
        """The others know: `told` by us, which made these totals."""
        for key, total in totals.items():
            _, source_id, window = key.split(":")
            if int(window) == self._window:
                usage = self._usage[int(source_id)]
                usage.shared = total
                usage.unshared -= told[key]

    def _now(self, source_id: int) -> Usage:
        self._roll()
        return self._usage[source_id]

    def _roll(self) -> None:
        window = int(self._wall()) // WINDOW
        if window != self._window:
            self._window = window
            self._usage.clear()
