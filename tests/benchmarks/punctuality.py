"""How late a due row begins: 10,000 over 20 seconds, while 100,000 wait for their day."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from config.due.models import Counter, Timer
from config.organisation.models import User
from tests.benchmarks.measuring import Figure, percentile, scratch, settle
from tests.concurrency.conftest import Process
from tests.config import make
from tests.harness.databases import Clone

WAITING, DUE, OVER = 100_000, 10_000, 20.0
PATIENCE = 120.0
STAMP = "test.stamp"
PROMISE = f"""
    INSERT INTO {Timer._meta.db_table}
        (kind, key, root_type, root_id, due_at, next_at, attempts, last_error, data)
    SELECT %s, %s || n, 'config.user', %s, due, due, 0, '', '{{}}'
    FROM (SELECT n, now() + make_interval(secs => %s + n * %s) AS due
          FROM generate_series(1, %s) AS n) AS wanted
"""


def figures() -> Iterator[Figure]:
    """Claim minus due, in milliseconds."""
    with scratch() as clone, tempfile.TemporaryDirectory() as folder:
        roots = [make.user() for _ in range(20)]
        _promise(roots[0], "wait ", 86_400, 0, WAITING)
        settle()
        with _worker(clone, Path(folder)):
            for number, root in enumerate(roots):
                _promise(root, f"due {number} ", 2, OVER * len(roots) / DUE, DUE // len(roots))
            late = _stamped()
    yield Figure("due rows, claim minus due, p50", percentile(late, 0.5), "ms", 50.0)
    yield Figure("due rows, claim minus due, p99", percentile(late, 0.99), "ms", 50.0)


def _promise(root: User, key: str, first: float, step: float, number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(PROMISE, [STAMP, key, root.pk, first, step, number])


@contextmanager
def _worker(clone: Clone, folder: Path) -> Iterator[None]:
    process = Process(clone, folder / "var", folder / "worker.log")
    try:
        _wait_for(process.is_ready)
        yield
    finally:
        process.end()


def _stamped() -> list[float]:
    rows = Counter.objects.filter(key__startswith="due ")
    _wait_for(lambda: rows.count() >= DUE)
    counts = list(rows.values_list("count", flat=True))
    if len(counts) != DUE:
        raise RuntimeError(f"{len(counts)} effects of {DUE} rows")
    return [count / 1000 for count in counts]


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {PATIENCE} s")
        time.sleep(0.2)
