"""Verifying 200,000 entries and exporting 100,000 rows: how fast, and in how much memory."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from django.db import connection
from django.test import override_settings

from config.audit.sealing import seal
from config.organisation.models import User
from tests.benchmarks.measuring import Figure, scratch
from tests.harness.databases import ROOT, Clone
from tests.harness.processes import environment

ENTRIES, ROWS = 200_000, 100_000
LARGEST_GROWTH = 64.0
FEW = 100
EVENTS = """
    INSERT INTO config_event (kind, subject_type, subject_id, subject_name, actor_id, origin, at,
        recorded_at, reason, data)
    SELECT 'bench.event', '', n, 'INC-' || n, %s, 'system', %s::timestamptz, %s::timestamptz,
        'a reason of ordinary length', '{"number": 1, "words": "some more text"}'
    FROM generate_series(1, %s) AS n
"""
EARLY, LATE = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


def figures() -> Iterator[Figure]:
    """Peak memory over that of the same command on a nearly empty log, and rates."""
    with tempfile.TemporaryDirectory() as folder, scratch() as clone:
        with override_settings(
            SIGNING_KEY=Path(folder) / "keys" / "signing.pem",
            CHECKPOINT_DIR=Path(folder) / "checkpoints",
        ):
            _events(EARLY, FEW)
            seal()
            verify = ["audit_verify", "--json"]
            small, _ = _run(clone, Path(folder), verify)
            _events(EARLY, ROWS - FEW)
            _events(LATE, ENTRIES - ROWS)
            seal()
        peak, taken = _run(clone, Path(folder), verify)
        yield Figure("audit_verify of 200,000, memory", peak - small, "MB", LARGEST_GROWTH)
        yield Figure("audit_verify of 200,000", ENTRIES / taken, "entries/s", 0.0, at_least=True)
        peak, taken = _export(clone, Path(folder), "2026-01-15")
        yield Figure("export of 100,000, memory", peak - small, "MB", LARGEST_GROWTH)
        yield Figure("export of 100,000", ROWS / taken, "rows/s", 0.0, at_least=True)


def _events(at: str, count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(EVENTS, [User.objects.system().pk, at, at, count])


def _export(clone: Clone, folder: Path, until: str) -> tuple[float, float]:
    pack = folder / "pack.zip"
    period = ["--from", "2025-12-01", "--to", until]
    return _run(clone, folder, ["audit_export", *period, "--out", str(pack)])


def _run(clone: Clone, folder: Path, command: list[str]) -> tuple[float, float]:
    """Megabytes at its peak, and seconds, of a command of manage.py; it must end well."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=environment(clone, folder),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {said[-500:]}")
    return usage.ru_maxrss / 1000, time.perf_counter() - began
