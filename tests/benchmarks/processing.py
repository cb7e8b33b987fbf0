"""Alerts worked through: 20,000 over 100 fingerprints, beside a bare upsert of the same rows."""

import json
import time
from collections.abc import Iterator
from itertools import batched

from django.db import connection, transaction

from config import clock
from incidents.alerts.models import Alert, IngestSource, RawPayload
from incidents.alerts.processing import process_inbox
from tests.benchmarks.measuring import Figure, resident, scratch, settle
from tests.harness import databases
from tests.incidents.alerts import make

ALERTS, KEYS, IN_ONE = 20_000, 100, 20
LARGEST_GROWTH = 64.0
UPSERT = """
    INSERT INTO bench_alert AS a (source_id, fingerprint, dedup_key, group_digest, title,
        description, level, team_id, state, count, first_seen_at, last_seen_at, starts_at,
        labels, links)
    SELECT %s, key, key, '', 'Alert ' || key, '', 'warning', %s, 'firing', 1, now(), now(), now(),
        '{}', '[]'
    FROM (SELECT unnest(%s::text[]) AS key ORDER BY 1) AS given
    ON CONFLICT (source_id, fingerprint) DO UPDATE
    SET count = a.count + 1, last_seen_at = excluded.last_seen_at
"""


def figures() -> Iterator[Figure]:
    """Alerts a second, and what memory grew by in the second half."""
    with scratch():
        source = make.source()
        _fill(source)
        settle()
        rate, growth = _work(source)
        floor = _bare(source)
    name = "20,000 alerts over 100 fingerprints"
    yield Figure(name, rate, "alerts/s", 1 / 8, floor=floor, at_least=True)
    yield Figure("memory growth while processing", growth, "MB", LARGEST_GROWTH)


def _keys() -> list[str]:
    return [f"k{number % KEYS:03}" for number in range(ALERTS)]


def _fill(source: IngestSource) -> None:
    now = clock.now()
    RawPayload.objects.bulk_create(
        RawPayload(
            source=source,
            adapter=source.adapter,
            received_at=now,
            body=json.dumps([make.firing(key, level="warning") for key in keys]).encode(),
        )
        for keys in batched(_keys(), IN_ONE)
    )


def _work(source: IngestSource) -> tuple[float, float]:
    """In rounds, as the worker does; the first round's memory is what code and caches take."""
    began = time.perf_counter()
    process_inbox()
    held = resident()
    while process_inbox():
        pass
    taken = time.perf_counter() - began
    counted = sum(Alert.objects.filter(source=source).values_list("count", flat=True))
    if counted != ALERTS or Alert.objects.filter(source=source).count() != KEYS:
        raise RuntimeError(f"{counted} of {ALERTS} alerts were counted")
    return ALERTS / taken, resident() - held


def _bare(source: IngestSource) -> float:
    """The same rows in the same order, a transaction a payload of 20 distinct keys."""
    # A table like the real one, logged and indexed as that is; the runtime role makes none itself.
    with databases.server().connect(databases.server().owner, databases.current().name) as owner:
        owner.execute("CREATE TABLE bench_alert (LIKE incidents_alert INCLUDING ALL)")
        owner.execute("GRANT ALL ON bench_alert TO PUBLIC")
    with connection.cursor() as cursor:
        began = time.perf_counter()
        for keys in batched(_keys(), IN_ONE):
            with transaction.atomic():
                cursor.execute(UPSERT, [source.pk, source.team_id, list(keys)])
        taken = time.perf_counter() - began
        cursor.execute("SELECT sum(count), count(*) FROM bench_alert")
        if cursor.fetchone() != (ALERTS, KEYS):
            raise RuntimeError("the floor did not count all alerts")
    return ALERTS / taken
