"""/metrics: what is counted, at what cost, and in a form that Prometheus reads."""

import datetime
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config import clock, figures, metrics
from config.audit.sealing import seal
from config.due import installation
from config.due.models import Attempt, AttemptOutcome, Installation, OutboundMessage
from config.events.operations import record
from config.metrics import Histogram, MetricTaken
from config.traffic import Traffic, place_of
from tests.config import make

SAMPLE = re.compile(r'(watchbill_[a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)')
QUERIES = 60


@pytest.fixture(autouse=True)
def files(settings: Any, tmp_path: Path) -> None:
    settings.SIGNING_KEY = tmp_path / "keys" / "signing.pem"
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"


def scraped() -> dict[str, float]:
    """Each sample by name and labels."""
    found = {}
    for line in figures.exposition().splitlines():
        if not line.startswith("#"):
            match = SAMPLE.fullmatch(line)
            assert match, line
            found[f"{match[1]}{{{match[2]}}}" if match[2] else match[1]] = float(match[3])
    return found


def message(channel: str = "mail", **fields: Any) -> OutboundMessage:
    values = {"purpose": "test.page", "channel": channel, "address": "a@example.org"}
    return OutboundMessage.objects.create(
        **values, provider="mail", root_type="config.user", root_id=1, urgent=True, **fields
    )


def sent(late: float, **fields: Any) -> None:
    """A page that the provider took so many seconds after it was due."""
    now = clock.now()
    due = now - datetime.timedelta(seconds=late)
    Attempt.objects.create(
        message=message(due_at=due, **fields),
        number=1,
        began_at=now,
        ended_at=now,
        outcome=AttemptOutcome.SENT,
    )


@pytest.mark.django_db
def test_tells_of_each_part_that_operators_watch() -> None:
    make.unit()
    message(next_at=clock.now() - datetime.timedelta(seconds=90))
    message(dead_at=clock.now())

    found = scraped()

    assert found['watchbill_queue_open{queue="messages"}'] == 1
    assert found['watchbill_queue_overdue{queue="messages"}'] == 1
    assert 90 <= found['watchbill_queue_late_seconds{queue="messages"}'] < 120
    assert found['watchbill_queue_dead{queue="messages"}'] == 1
    assert found["watchbill_audit_unsealed_entries"] > 0
    assert found["watchbill_audit_leaves"] == 0
    assert found["watchbill_outbound_paused"] == 0
    assert found['watchbill_build_info{version="0.1.0"}'] == 1
    assert "watchbill_backup_age_seconds" not in found
    assert found['watchbill_escalations{state="exhausted"}'] == 0
    assert found['watchbill_reviews_owed{overdue="yes"}'] == 0


@pytest.mark.django_db
def test_tells_what_changed() -> None:
    make.unit()
    seal()
    installation.pause(Installation.objects.get(), "because of a test")
    with clock.simulated(clock.now() - datetime.timedelta(hours=2)):
        record("backup.taken", None, actor=make.system(), file="a.backup")

    found = scraped()

    assert found["watchbill_outbound_paused"] == 1
    assert found["watchbill_audit_leaves"] > 0
    assert found["watchbill_audit_published"] == 0  # after the commit, which never comes here
    assert 7200 <= found["watchbill_backup_age_seconds"] < 7260


@pytest.mark.django_db
def test_spreads_pages_by_how_late_they_went() -> None:
    delays = figures.Delays()
    sent(4.0)
    assert dict(delays.read())[("mail",)] == ([0] * 12, 0.0)  # before it began to count

    sent(0.1)
    sent(0.3)
    sent(70.0)
    sent(4000.0)
    sent(1.5, channel="webhook")

    found = {name: spread for (name,), spread in delays.read()}
    assert found["mail"][0] == [1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1]
    assert found["mail"][1] == pytest.approx(4070.4, abs=0.01)
    assert found["webhook"][0][3] == 1
    assert {name: spread for (name,), spread in delays.read()} == found


@pytest.mark.django_db
def test_counts_what_was_ever_taken_in() -> None:
    before = scraped()["watchbill_payloads_received_total"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('incidents_rawpayload', 'id'))")

    assert scraped()["watchbill_payloads_received_total"] == before + 1


@pytest.mark.django_db
def test_costs_no_more_with_more_rows() -> None:
    scraped()
    with CaptureQueriesContext(connection) as few:
        scraped()
    for _ in range(20):
        message()
        sent(1.0)
    with CaptureQueriesContext(connection) as many:
        scraped()

    assert len(many) <= len(few) + 1  # the spread of pages is asked for where there are new ones
    assert len(few) <= QUERIES


@pytest.mark.django_db
def test_is_text_that_prometheus_reads() -> None:
    kinds: dict[str, str] = {}
    seen: list[str] = []
    for line in Client().get("/metrics").content.decode().splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in kinds
            kinds[name] = kind
        elif not line.startswith("# HELP "):
            match = SAMPLE.fullmatch(line)
            assert match, line
            seen.append(re.sub(r"_(bucket|sum|count)$", "", match[1]))

    assert set(seen) <= set(kinds)
    assert {name for name, kind in kinds.items() if kind == "counter"} == {
        name for name in kinds if name.endswith("_total")
    }


def test_adds_buckets_up() -> None:
    spread = [(("a",), ([2, 0, 3], 12.5))]
    shown = list(Histogram("t_seconds", "Time.", ("place",), (0.1, 1.0), lambda: spread).lines())

    assert shown == [
        "# HELP watchbill_t_seconds Time.",
        "# TYPE watchbill_t_seconds histogram",
        'watchbill_t_seconds_bucket{place="a",le="0.1"} 2',
        'watchbill_t_seconds_bucket{place="a",le="1"} 2',
        'watchbill_t_seconds_bucket{place="a",le="+Inf"} 5',
        'watchbill_t_seconds_sum{place="a"} 12.5',
        'watchbill_t_seconds_count{place="a"} 5',
    ]


@pytest.mark.parametrize(
    ("register", "error"),
    [
        (lambda: metrics.metric("check_ok", "Taken.")(list), MetricTaken),
        (lambda: metrics.metric("things_total", "Grows.")(list), ValueError),
        (lambda: metrics.metric("things", "Shrinks.", kind="counter")(list), ValueError),
    ],
)
def test_refuses_names_that_mislead(register: Callable[[], Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        register()


def test_counts_answers_by_place() -> None:
    traffic = Traffic()
    for path, seconds in (("/api/v1/me/", 0.004), ("/api/v1/me/", 0.3), ("/r/x", 20.0)):
        traffic.note(place_of(path), 200, seconds)

    assert dict(traffic.answers) == {("api", 200): 2, ("page", 200): 1}
    assert traffic.spreads["api"] == [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    assert traffic.spreads["page"][-1] == 1
    assert [place_of(path) for path in ("/admin/", "/accounts/login/", "/apis")] == [
        "admin",
        "other",
        "other",
    ]
