"""The worker's sending side: a thread for each attempt, few for each provider.

A message is claimed only when a thread is free for it, so a slow provider fills its own few
threads and nothing else waits; urgent messages have threads that others never take.
"""

import threading
from collections import Counter
from dataclasses import dataclass

import structlog
from django.db import connection

from config.due.leases import Lease, claim, seconds_to_next
from config.due.models import OutboundMessage
from config.due.sending import attempt

log = structlog.get_logger(__name__)

PER_PROVIDER = 4
PER_LANE = 16
LOOK_AGAIN = 0.25  # while some provider has no thread free, its waiting rows look due
CONDITION = (
    "urgent = %s AND provider <> ALL(%s)"
    " AND NOT EXISTS (SELECT FROM config_installation WHERE outbound_paused_at IS NOT NULL)"
)


@dataclass(frozen=True)
class Sending:
    """One attempt on its way."""

    lease: Lease
    urgent: bool
    provider: str


class Outbox:
    """Claims messages and sends them; `turn` is what the worker's loop calls."""

    def __init__(self, wake: threading.Event) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._busy: set[Sending] = set()

    def turn(self) -> float | None:
        """Start what can be started; seconds until there may be more, None for no known time."""
        started = [urgent for urgent in (True, False) if self._start_one(urgent=urgent)]
        if started:
            return 0.0
        wait = seconds_to_next(OutboundMessage)
        return wait if wait is None or wait > 0 else LOOK_AGAIN

    def active(self) -> int:
        """How many attempts are on their way."""
        return len(self._busy)

    def _start_one(self, *, urgent: bool) -> bool:
        with self._lock:
            lane = [sending for sending in self._busy if sending.urgent == urgent]
        if len(lane) >= PER_LANE:
            return False
        taken = Counter(sending.provider for sending in lane)
        full = [provider for provider, count in taken.items() if count >= PER_PROVIDER]
        leases = claim(OutboundMessage, 1, CONDITION, (urgent, full))
        for lease in leases:
            self._start(lease, urgent=urgent)
        return bool(leases)

    def _start(self, lease: Lease, *, urgent: bool) -> None:
        provider = OutboundMessage.objects.values_list("provider", flat=True).get(pk=lease.pk)
        sending = Sending(lease, urgent, provider)
        with self._lock:
            self._busy.add(sending)
        threading.Thread(
            target=self._send, args=(sending,), name=f"send {lease.pk}", daemon=True
        ).start()

    def _send(self, sending: Sending) -> None:
        try:
            attempt(sending.lease)
        except Exception:
            log.exception(
                "an attempt was cut off; its lease will end", message=str(sending.lease.pk)
            )
        finally:
            connection.close()
            with self._lock:
                self._busy.discard(sending)
            self._wake.set()
