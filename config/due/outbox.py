"""The worker's sending side: few threads for each provider, so that a slow one delays nobody else.

A message is claimed only when a thread is free for it. A slow provider fills its own few threads
and nothing else waits; urgent messages have threads that others never take.
"""

import threading
from collections import Counter
from dataclasses import dataclass

from config.due.leases import Lease, claim, seconds_to_next
from config.due.models import OutboundMessage
from config.due.senders import Senders

LOOK_AGAIN = 0.25  # while some provider has no thread free, its waiting rows look due
CONDITION = (
    "urgent = %s AND provider <> ALL(%s)"
    " AND NOT EXISTS (SELECT FROM config_installation WHERE outbound_paused_at IS NOT NULL)"
)


@dataclass(frozen=True)
class Lane:
    """Threads for urgent messages, or for all others: how many, and for each provider."""

    urgent: bool
    threads: int
    per_provider: int


LANES = (
    Lane(urgent=True, threads=16, per_provider=8),
    Lane(urgent=False, threads=16, per_provider=4),
)


class Outbox:
    """Claims messages and sends them; `turn` is what the worker's loop calls."""

    def __init__(self, wake: threading.Event) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._busy: dict[Lane, Counter[str]] = {lane: Counter() for lane in LANES}
        self._senders = Senders()

    def turn(self) -> float | None:
        """Start what can be started; seconds until there may be more, None for no known time."""
        wait = seconds_to_next(OutboundMessage)
        if wait is None or wait > 0:
            return wait
        return 0.0 if any(self._start_some(lane) for lane in LANES) else LOOK_AGAIN

    def active(self) -> int:
        """How many attempts are on their way."""
        return sum(busy.total() for busy in self._busy.values())

    def _start_some(self, lane: Lane) -> bool:
        with self._lock:
            busy = self._busy[lane].copy()
        full = [provider for provider, count in busy.items() if count >= lane.per_provider]
        most = max((count for count in busy.values() if count < lane.per_provider), default=0)
        # So few that all of them may be for the provider that has the fewest threads left.
        limit = min(lane.threads - busy.total(), lane.per_provider - most)
        if limit <= 0:
            return False
        leases = claim(OutboundMessage, limit, CONDITION, (lane.urgent, full))
        for lease in leases:
            self._start(lane, lease)
        return bool(leases)

    def _start(self, lane: Lane, lease: Lease) -> None:
        provider = lease.row.provider
        with self._lock:
            self._busy[lane][provider] += 1
        self._senders.start(lease, lambda: self._ended(lane, provider))

    def _ended(self, lane: Lane, provider: str) -> None:
        with self._lock:
            busy = self._busy[lane]
            others_waited = busy.total() >= lane.threads or busy[provider] >= lane.per_provider
            busy[provider] -= 1
            if not busy[provider]:
                del busy[provider]
        if others_waited:
            self._wake.set()
