"""Figures for Prometheus, in its text format. Rooms register theirs in `handlers.py`.

    @metric("incidents_open", "Open incidents.", "severity")
    def open_incidents():
        rows = Incident.objects.open().values_list("severity").annotate(n=Count("pk"))
        return [((severity,), n) for severity, n in rows]

Aggregates only: whoever reads the metrics may not see the records. Cheap only: each is read at
every scrape, so it goes by an index or by what this process has counted itself.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from django.db import connection, models

type Kind = Literal["gauge", "counter"]
type Samples = Iterable[tuple[tuple[str, ...], float]]
type Spread = tuple[Sequence[int], float]  # how many fell under each bound and beyond; their sum
type Spreads = Iterable[tuple[tuple[str, ...], Spread]]


@dataclass(frozen=True)
class Metric:
    """One figure: its name without the prefix, its help, its labels, and how it is read."""

    name: str
    help: str
    labels: tuple[str, ...]
    read: Callable[[], Samples]
    kind: Kind = "gauge"

    def lines(self) -> Iterator[str]:
        """In the text exposition format."""
        yield from _heading(self.name, self.help, self.kind)
        for values, number in self.read():
            yield _line(self.name, zip(self.labels, values, strict=True), number)


@dataclass(frozen=True)
class Histogram:
    """How long something took: counts under growing bounds, which only ever grow."""

    name: str
    help: str
    labels: tuple[str, ...]
    bounds: tuple[float, ...]
    read: Callable[[], Spreads]

    def lines(self) -> Iterator[str]:
        """Buckets, sum and count of each combination of labels."""
        yield from _heading(self.name, self.help, "histogram")
        for values, (counts, total) in self.read():
            labels = list(zip(self.labels, values, strict=True))
            edges = [*(f"{bound:g}" for bound in self.bounds), "+Inf"]
            for edge, count in zip(edges, accumulate(counts), strict=True):
                yield _line(f"{self.name}_bucket", [*labels, ("le", edge)], count)
            yield _line(f"{self.name}_sum", labels, total)
            yield _line(f"{self.name}_count", labels, sum(counts))


_metrics: dict[str, Metric | Histogram] = {}


class MetricTaken(RuntimeError):
    """Two rooms registered one name."""


def metric[F: Callable[[], Samples]](
    name: str, text: str, *labels: str, kind: Kind = "gauge"
) -> Callable[[F], F]:
    """Register a figure; the function returns (label values, number) pairs.

    A counter only grows, and its name ends in `_total`.
    """
    if (kind == "counter") != name.endswith("_total"):
        raise ValueError(f"{name}: counters, and only they, end in _total")

    def register(read: F) -> F:
        _take(Metric(name, text, labels, read, kind))
        return read

    return register


def histogram[F: Callable[[], Spreads]](
    name: str, text: str, *labels: str, bounds: tuple[float, ...]
) -> Callable[[F], F]:
    """Register a histogram; the function returns (label values, spread) pairs."""

    def register(read: F) -> F:
        _take(Histogram(name, text, labels, bounds, read))
        return read

    return register


def exposition() -> str:
    """All metrics, as Prometheus reads them."""
    return "".join(f"{line}\n" for each in _metrics.values() for line in each.lines())


def registered() -> list[Metric | Histogram]:
    """All of them, for the reference and its tests."""
    return list(_metrics.values())


def ever_made(model: type[models.Model]) -> int:
    """How many rows a table has ever been given, by its sequence: a counter that costs nothing."""
    table, column = model._meta.db_table, model._meta.pk.column
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence(%s, %s)::regclass), 0)",
            [table, column],
        )
        return int(cursor.fetchone()[0])


def _take(found: Metric | Histogram) -> None:
    known = _metrics.get(found.name)
    if known is not None and known.read is not found.read:
        raise MetricTaken(found.name)
    _metrics[found.name] = found


def _heading(name: str, text: str, kind: str) -> Iterator[str]:
    yield f"# HELP watchbill_{name} {text}"
    yield f"# TYPE watchbill_{name} {kind}"


def _line(name: str, labels: Iterable[tuple[str, str]], number: float) -> str:
    pairs = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels)
    return f"watchbill_{name}{f'{{{pairs}}}' if pairs else ''} {number:.16g}"


def _escaped(value: str) -> str:
    return str(value).replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
