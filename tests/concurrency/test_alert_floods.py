"""Alerts that come at once, workers that work at once, and workers that are killed."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import connections

from incidents.alerts.models import Alert, PayloadState, RawPayload
from incidents.alerts.processing import process_inbox
from incidents.lifecycle.models import Incident
from tests.harness.databases import ROOT, Clone
from tests.incidents.alerts import make

WORK = "import django; django.setup()\nfrom incidents.alerts.processing import drain_inbox\n"


def at_once(number: int, work: Callable[[int], Any]) -> list[Exception]:
    """Do it in so many threads that start together; what they raised."""
    barrier = threading.Barrier(number)
    errors: list[Exception] = []

    def run(index: int) -> None:
        try:
            barrier.wait(10)
            work(index)
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return errors


def start_draining(clone: Clone, code: str = WORK + "drain_inbox()") -> "subprocess.Popen[bytes]":
    """A process of its own that works through the inbox."""
    environ = {"DATABASE_URL": clone.runtime_url, "WATCHBILL_SECRET_KEY": settings.SECRET_KEY}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
    )


def drain(_: int) -> None:
    while process_inbox(20):
        pass


def one_by_one(_: int) -> None:
    while process_inbox(1):
        pass


def test_loses_and_doubles_nothing_between_workers(fresh_db: Clone):
    source = make.source()
    for number in range(300):
        make.payload(source, [make.firing(f"key-{number % 7}"), make.firing(f"key-{number % 5}")])

    errors = at_once(4, drain)
    drain(0)

    assert errors == []
    assert sum(Alert.objects.values_list("count", flat=True)) == 600
    assert (Alert.objects.count(), Incident.objects.count()) == (7, 7)
    assert not RawPayload.objects.exclude(state=PayloadState.DONE).exists()


def test_keeps_sources_from_waiting_for_each_other_in_a_circle(fresh_db: Clone):
    sources = [make.source() for _ in range(4)]
    for number in range(60):
        keys = [f"key-{(number * step) % 11}" for step in range(1, 6)]
        for source in sources:
            make.payload(source, [make.firing(key) for key in keys])

    errors = at_once(4, drain)
    drain(0)

    assert errors == []
    assert sum(Alert.objects.values_list("count", flat=True)) == 60 * 5 * 4
    assert Incident.objects.count() == Alert.objects.count()


def test_resolves_in_the_order_of_arrival_with_many_workers(fresh_db: Clone):
    source = make.source()
    for _ in range(40):
        make.payload(source, make.firing())
        make.payload(source, make.resolved())

    at_once(4, one_by_one)
    drain(0)

    alert = make.only_alert()
    assert (alert.count, Incident.objects.count()) == (40, 1)
    assert alert.resolve_pending_at is not None


@pytest.mark.slow
def test_does_everything_once_when_workers_are_killed(fresh_db: Clone):
    source = make.source()
    for number in range(400):
        make.payload(source, make.firing(f"key-{number % 40}"))

    for _ in range(4):
        worker = start_draining(fresh_db, WORK + _SLOWLY)
        assert worker.stdin is None
        _wait_until_some_are_done(worker)
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
    drain(0)

    assert sum(Alert.objects.values_list("count", flat=True)) == 400
    assert (Alert.objects.count(), Incident.objects.count()) == (40, 40)
    assert not RawPayload.objects.exclude(state=PayloadState.DONE).exists()


# Small batches, so that the kill finds it in the midst of the work.
_SLOWLY = "from incidents.alerts.processing import process_inbox\nwhile process_inbox(5): pass"


def _wait_until_some_are_done(worker: "subprocess.Popen[bytes]") -> None:
    before = RawPayload.objects.filter(state=PayloadState.DONE).count()
    while worker.poll() is None:
        if RawPayload.objects.filter(state=PayloadState.DONE).count() > before:
            return


def test_frees_a_source_at_once_when_its_worker_is_killed(
    fresh_db: Clone, eventually: Callable[..., Any]
):
    source = make.source()
    code = WORK + _HOLD.format(source=source.pk)
    worker = start_draining(fresh_db, code)
    make.payload(source, make.firing())
    eventually(lambda: _is_held(source.pk))
    assert process_inbox() is False

    worker.kill()
    worker.wait(10)

    eventually(lambda: process_inbox())
    assert make.only_alert().count == 1


_HOLD = """
import time
from incidents.alerts.processing import _alone
with _alone({source}) as mine:
    time.sleep(60)
"""


def _is_held(source_id: int) -> bool:
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [source_id],
        )
        return bool(cursor.fetchone()[0])


@pytest.mark.check("INC-15.1")
def test_makes_one_alert_and_one_incident_of_500_at_once(
    fresh_db: Clone, checkout: Any, live_web: str
):
    """Through the door of a real server, while two workers work."""
    issued = make.issued(service=checkout)
    workers = [start_draining(fresh_db, WORK + _UNTIL_500) for _ in range(2)]
    body = json.dumps(make.firing("flood", service="checkout", level="error")).encode()

    url, statuses = f"{live_web}/ingest/generic/{issued.token}", list[int]()

    errors = at_once(20, lambda _: statuses.extend(send(url, body) for _ in range(25)))
    for worker in workers:
        worker.wait(60)

    assert errors == []
    assert statuses == [202] * 500
    alert, incident = make.only_alert(), make.only_incident()
    assert alert.count == 500
    assert alert.incident == incident
    assert incident.service == checkout


_UNTIL_500 = """
import time
from incidents.alerts.models import RawPayload
deadline = time.monotonic() + 50
while RawPayload.objects.filter(state="done").count() < 500 and time.monotonic() < deadline:
    drain_inbox()
    time.sleep(0.01)
"""


def send(url: str, body: bytes) -> int:
    """POST it; the status."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return int(answer.status)
