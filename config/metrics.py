"""Figures for Prometheus, in its text format. Rooms register theirs in `handlers.py`.

    @metric("incidents_open", "Open incidents.", "severity")
    def open_incidents():
        rows = Incident.objects.open().values_list("severity").annotate(n=Count("pk"))
        return [((severity,), n) for severity, n in rows]

Aggregates only: whoever reads the metrics may not see the records.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.db.models import ExpressionWrapper, F, fields
from django.db.models.functions import Now

from config.audit.models import Unsealed
from config.due.health import checks
from config.due.models import WorkerHeartbeat
from config.due.queues import queues

type Samples = Iterable[tuple[tuple[str, ...], float]]


@dataclass(frozen=True)
class Metric:
    """One gauge: its name without the prefix, its help, its labels, and how it is read."""

    name: str
    help: str
    labels: tuple[str, ...]
    read: Callable[[], Samples]

    def lines(self) -> Iterator[str]:
        """In the text exposition format."""
        yield f"# HELP watchbill_{self.name} {self.help}"
        yield f"# TYPE watchbill_{self.name} gauge"
        for values, number in self.read():
            pairs = zip(self.labels, values, strict=True)
            labels = ",".join(f'{label}="{_escaped(value)}"' for label, value in pairs)
            braces = f"{{{labels}}}" if labels else ""
            yield f"watchbill_{self.name}{braces} {number:g}"


_metrics: dict[str, Metric] = {}


class MetricTaken(RuntimeError):
    """Two rooms registered one name."""


def metric(
    name: str, text: str, *labels: str
) -> Callable[[Callable[[], Samples]], Callable[[], Samples]]:
    """Register a gauge; the function returns (label values, number) pairs."""

    def register(read: Callable[[], Samples]) -> Callable[[], Samples]:
        if name in _metrics and _metrics[name].read is not read:
            raise MetricTaken(name)
        _metrics[name] = Metric(name, text, labels, read)
        return read

    return register


def exposition() -> str:
    """All metrics, as Prometheus reads them."""
    return "".join(f"{line}\n" for each in _metrics.values() for line in each.lines())


def _escaped(value: str) -> str:
    return str(value).replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


@metric("check_ok", "1 where the check of /readyz passes.", "check")
def _checks() -> Samples:
    return [((name,), float(check.ok)) for name, check in checks().items()]


@metric("queue_open", "Due rows that are still to be done.", "queue")
def _open() -> Samples:
    return [((each.name,), each.model.objects.open().count()) for each in queues()]


@metric("queue_overdue", "Due rows that a worker could have taken by now.", "queue")
def _overdue() -> Samples:
    rows = [(each.name, each.model.objects.open().filter(next_at__lt=Now())) for each in queues()]
    return [((name,), found.count()) for name, found in rows]


@metric("queue_dead", "Dead letters.", "queue")
def _dead() -> Samples:
    return [((each.name,), each.model.objects.dead().count()) for each in queues()]


@metric("audit_unsealed_entries", "Ledger entries that no checkpoint covers yet.")
def _unsealed() -> Samples:
    return [((), Unsealed.objects.count())]


@metric("worker_heartbeat_age_seconds", "Seconds since the worker was seen.", "worker")
def _heartbeats() -> Samples:
    age = ExpressionWrapper(Now() - F("seen_at"), fields.DurationField())
    rows = WorkerHeartbeat.objects.values_list("name", age)
    return [((name,), found.total_seconds()) for name, found in rows]
