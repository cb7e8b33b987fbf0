"""Posts accepted per second: the product's door beside a bare application with the same insert."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.supervisor import listen
from incidents.alerts.models import Adapter, RawPayload
from tests.benchmarks.load import Load, post
from tests.benchmarks.measuring import Figure, scratch
from tests.harness import processes
from tests.harness.databases import ROOT, Clone
from tests.incidents.alerts import make

SECONDS, ROUNDS = 2.0, 4
CLIENTS = (1, 8, 32)
ENDLESS = 2_000_000_000
SINGLE = make.firing("disk web-1", title="Disk full on web-1", level="error", labels={"host": "a"})
TWENTY = [make.firing(f"disk web-{number}", title="Disk full") for number in range(20)]


def figures() -> Iterator[Figure]:
    """Single posts by 1, 8 and 32 clients, and payloads of 20."""
    single, twenty = json.dumps(SINGLE).encode(), json.dumps(TWENTY).encode()
    with scratch() as clone, tempfile.TemporaryDirectory() as folder:
        issued = make.issued(Adapter.GENERIC, rate_per_minute=ENDLESS)
        with processes.web(clone, Path(folder)) as url, bare(clone, issued.source.pk) as floor_url:
            door = f"{url}/ingest/generic/{issued.token}"
            post(door, single, clients=8, seconds=1.0)  # connections open, code loaded
            post(floor_url, single, clients=8, seconds=1.0)
            for clients in CLIENTS:
                yield from _beside(door, floor_url, single, clients)
            one, many = _in_turns([(door, single), (door, twenty)], 8)
    name = "payloads of 20, 8 clients"
    rate = many.rate * len(TWENTY)
    yield Figure(name, rate, "alerts/s", 12.0, floor=one.rate, at_least=True)


def _beside(door: str, floor_url: str, body: bytes, clients: int) -> Iterator[Figure]:
    ours, floor = _in_turns([(door, body), (floor_url, body)], clients)
    name = f"single posts, {clients} clients"
    yield Figure(name, ours.rate, "posts/s", 1 / 3, floor=floor.rate, at_least=True)
    if clients == max(CLIENTS):
        yield Figure(f"{name}, p99", ours.p99, "ms", 3.0, floor=floor.p99)


def _in_turns(arms: list[tuple[str, bytes]], clients: int) -> list[Load]:
    """The arms one after the other, again and again: what else the machine does hits them alike."""
    loads = [Load() for _ in arms]
    for _ in range(ROUNDS):
        for load, (url, body) in zip(loads, arms, strict=True):
            load.add(_counted(url, body, clients))
    return loads


def _counted(url: str, body: bytes, clients: int) -> Load:
    """Run the load; every accepted body is in the table, and none that was not."""
    before = RawPayload.objects.count()
    load = post(url, body, clients=clients, seconds=SECONDS)
    stored = RawPayload.objects.count() - before
    if stored != load.accepted or load.refused:
        raise RuntimeError(f"{load.accepted} accepted, {load.refused} refused, {stored} stored")
    return load


@contextmanager
def bare(clone: Clone, source: int) -> Iterator[str]:
    """The bare application in a process of its own."""
    environment = {**os.environ, "BENCH_DATABASE_URL": clone.runtime_url}
    with listen(None) as listener:
        port = listener.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.bare_ingest", "--fd", str(listener.fileno())],
            cwd=ROOT,
            env=environment | {"BENCH_SOURCE": str(source)},
            pass_fds=(listener.fileno(),),
        )
        try:
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait(10)
