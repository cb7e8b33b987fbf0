"""The platform's own figures for /metrics: work that waits, the log, mail, and this web process."""

import threading
from collections import defaultdict

from django.db import connection
from django.db.models import ExpressionWrapper, F, fields
from django.db.models.functions import Now
from django_q.models import Failure

from config import version
from config.audit import sealing
from config.audit.models import Checkpoint, Unsealed
from config.backup.backing_up import TAKEN
from config.due import selfaudit
from config.due.health import checks
from config.due.models import Channel, DueRow, Installation, OutboundMessage, WorkerHeartbeat
from config.due.queues import queues
from config.events.models import Event
from config.metrics import Samples, Spreads, exposition, histogram, metric
from config.traffic import BOUNDS, traffic

__all__ = ["exposition"]

DELAY_BOUNDS = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)


def _tables() -> list[tuple[str, type[DueRow]]]:
    return [*((each.name, each.model) for each in queues()), ("messages", OutboundMessage)]


@metric("build_info", "1, with the version of the code.", "version")
def _build() -> Samples:
    return [((version.number(),), 1.0)]


@metric("check_ok", "1 where the check of /readyz passes.", "check")
def _checks() -> Samples:
    return [((name,), float(check.ok)) for name, check in checks().items()]


@metric("queue_open", "Due rows that are still to be done.", "queue")
def _open() -> Samples:
    return [((name,), model.objects.open().count()) for name, model in _tables()]


@metric("queue_overdue", "Due rows that a worker could have taken by now.", "queue")
def _overdue() -> Samples:
    found = [(name, model.objects.open().filter(next_at__lt=Now())) for name, model in _tables()]
    return [((name,), rows.count()) for name, rows in found]


@metric("queue_late_seconds", "How long the first overdue row has been waiting.", "queue")
def _late() -> Samples:
    return [((name,), selfaudit.lateness(model)) for name, model in _tables()]


@metric("queue_dead", "Dead letters.", "queue")
def _dead() -> Samples:
    return [((name,), model.objects.dead().count()) for name, model in _tables()]


@metric("jobs_late_seconds", "How late the background job is that should have run first.")
def _jobs_late() -> Samples:
    return [((), selfaudit.jobs_late())]


@metric("jobs_failed", "Background jobs whose last attempt failed, of the last fortnight.")
def _jobs_failed() -> Samples:
    return [((), Failure.objects.count())]


@metric("outbound_paused", "1 while messages wait for resume_outbound.")
def _paused() -> Samples:
    return [((), Installation.objects.exclude(outbound_paused_at=None).count())]


@metric("audit_unsealed_entries", "Ledger entries that no checkpoint covers yet.")
def _unsealed() -> Samples:
    return [((), Unsealed.objects.count())]


@metric("audit_seal_age_seconds", "How long the oldest entry without a seal has waited.")
def _seal_age() -> Samples:
    return [((), selfaudit.unsealed_for())]


@metric("audit_leaves", "Entries under the newest checkpoint.")
def _leaves() -> Samples:
    last = Checkpoint.objects.order_by("-pk").values_list("size", flat=True).first()
    return [((), last or 0)]


@metric("audit_published", "1 where the newest checkpoint is in this machine's folder.")
def _published() -> Samples:
    return [((), float(sealing.status().published))]


@metric("backup_age_seconds", "Seconds since the last backup; absent where none was ever taken.")
def _backup() -> Samples:
    age = selfaudit.age(Event.objects.filter(kind=TAKEN).order_by("-pk"), "recorded_at")
    return [] if age is None else [((), age)]


@metric("worker_heartbeat_age_seconds", "Seconds since the worker was seen.", "worker")
def _heartbeats() -> Samples:
    age = ExpressionWrapper(Now() - F("seen_at"), fields.DurationField())
    rows = WorkerHeartbeat.objects.values_list("name", age)
    return [((name,), found.total_seconds()) for name, found in rows]


class Delays:
    """Pages that were sent since this process began to count, by how late they were.

    Each read adds the attempts that were written down since the last one: the cost of a scrape
    depends on what happened in between, never on how much there ever was.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: int | None = None
        self._counts = {name: [0] * (len(DELAY_BOUNDS) + 1) for name in Channel.values}
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def read(self) -> Spreads:
        """The spread of each channel."""
        with self._lock, connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(max(id), 0) FROM config_attempt")
            newest = cursor.fetchone()[0]
            if self._last is not None and newest > self._last:
                self._add(self._last, newest)
            self._last = newest
            return [
                ((name,), (list(counts), self._seconds[name]))
                for name, counts in self._counts.items()
            ]

    def _add(self, after: int, until: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT m.channel, width_bucket(d.late, %s::float8[]), count(*), sum(d.late)"
                " FROM config_attempt a JOIN config_outboundmessage m ON m.id = a.message_id,"
                " LATERAL (SELECT greatest(extract(epoch FROM a.ended_at - m.due_at), 0)::float8"
                " AS late) d WHERE a.id > %s AND a.id <= %s AND a.outcome = 'sent' AND m.urgent"
                " GROUP BY 1, 2",
                [list(DELAY_BOUNDS), after, until],
            )
            for channel, bucket, count, seconds in cursor.fetchall():
                self._counts[channel][bucket] += count
                self._seconds[channel] += seconds


histogram(
    "page_delay_seconds",
    "From the time a page was due to the provider's answer that it was taken.",
    "channel",
    bounds=DELAY_BOUNDS,
)(Delays().read)


@metric(
    "http_responses_total",
    "Answers of this web process; 0: gone.",
    "place",
    "status",
    kind="counter",
)
def _responses() -> Samples:
    found = sorted(traffic.answers.copy().items())
    return [((place, str(status)), number) for (place, status), number in found]


@histogram(
    "http_response_seconds",
    "How long the answers of this web process took.",
    "place",
    bounds=BOUNDS,
)
def _durations() -> Spreads:
    return [
        ((place,), (list(counts), float(traffic.seconds[place])))
        for place, counts in sorted(traffic.spreads.copy().items())
    ]
