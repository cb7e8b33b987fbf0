"""What this web process has answered, and how fast: counted as it goes, shown on /metrics."""

from bisect import bisect_left
from collections import Counter, defaultdict

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PLACES = {"/api/": "api", "/admin/": "admin", "/r/": "page"}


class Traffic:
    """Written by the event loop alone; readers in other threads may miss the last answer."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self.spreads: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(BOUNDS) + 1))
        self.seconds: Counter[str] = Counter()

    def note(self, place: str, status: int, seconds: float) -> None:
        """One answer; a status of 0 means that the caller had gone."""
        self.answers[place, status] += 1
        self.spreads[place][bisect_left(BOUNDS, seconds)] += 1
        self.seconds[place] += seconds  # type: ignore[assignment]  # counts of seconds


def place_of(path: str) -> str:
    """Which part of the site a path belongs to, so that labels stay few."""
    return next((name for prefix, name in PLACES.items() if path.startswith(prefix)), "other")


traffic = Traffic()
