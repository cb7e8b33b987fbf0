"""/healthz, /readyz and /metrics."""

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.test.utils import override_settings

from config import clock, figures, health
from config.due.models import WorkerHeartbeat
from config.due.selfaudit import Check

NAMES = ["database", "migrations", "worker", "queue", "outbox", "seal"]


def test_is_alive_without_a_database() -> None:
    response = Client().get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("broken", [None, *NAMES])
def test_is_ready_when_every_check_passes(
    broken: str | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found = {name: Check(name != broken, f"about {name}") for name in NAMES}
    monkeypatch.setattr(health, "checks", lambda: found)

    response = Client().get("/readyz")

    assert response.status_code == (503 if broken else 200)
    assert response.json()["status"] == ("unavailable" if broken else "ok")
    assert list(response.json()["checks"]) == NAMES
    assert response.json()["checks"]["seal"] == {"ok": broken != "seal", "detail": "about seal"}
    assert caplog.messages == []


@pytest.mark.django_db
def test_asks_the_real_checks() -> None:
    response = Client().get("/readyz")

    assert set(response.json()["checks"]) == set(NAMES)
    assert response.json()["checks"]["database"]["ok"] is True


@pytest.mark.django_db
def test_shows_figures_to_prometheus() -> None:
    now = clock.now()
    WorkerHeartbeat.objects.create(name='worker "1"', pid=1, started_at=now, seen_at=now)

    response = Client().get("/metrics")

    text = response.content.decode()
    assert response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "# TYPE watchbill_queue_open gauge" in text
    assert 'watchbill_check_ok{check="database"} 1' in text
    assert r'watchbill_worker_heartbeat_age_seconds{worker="worker \"1\""} ' in text
    assert "watchbill_audit_unsealed_entries " in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, 200),
        ({"REMOTE_ADDR": "::1"}, 200),
        ({"REMOTE_ADDR": "192.0.2.1"}, 401),
        ({"REMOTE_ADDR": ""}, 401),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.1"}, 401),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=192.0.2.1"}, 401),
        ({"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": "Bearer s3cret"}, 200),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_AUTHORIZATION": "Bearer wrong"}, 401),
    ],
)
@override_settings(METRICS_TOKEN="s3cret")
def test_shows_figures_to_nobody_else(headers: dict[str, Any], status: int) -> None:
    response = Client().get("/metrics", **headers)

    assert response.status_code == status
    if status == 401:
        assert response["WWW-Authenticate"].startswith("Bearer")


def test_says_so_when_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise OperationalError

    monkeypatch.setattr(figures, "exposition", fail)

    response = Client().get("/metrics")

    assert (response.status_code, response["Retry-After"]) == (503, "5")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_is_read_only(path: str) -> None:
    assert Client().post(path).status_code == 405
