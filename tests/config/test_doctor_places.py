"""`manage.py doctor` on the database server and on this machine: each mistake made, and found."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import psycopg
import pytest
import requests
from django.contrib.staticfiles import finders

from config import doctor_database, doctor_machine
from config.due import installation
from config.due.models import Installation
from tests.config.due.servers import web_server
from tests.config.test_doctor_checks import broken, good
from tests.harness import databases

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.VAR, settings.EXPORT_ROOT = tmp_path, tmp_path / "exports"
    settings.STATIC_ROOT = tmp_path / "static"
    return tmp_path


@contextmanager
def speaking_to(url: str, monkeypatch: pytest.MonkeyPatch, **changes: str) -> Iterator[None]:
    """The doctor's own connections, with settings of the session."""
    options = " ".join(f"-c {name}={value}" for name, value in changes.items())
    with monkeypatch.context() as patch:
        patch.setattr(doctor_database, "direct", lambda: psycopg.connect(url, options=options))
        yield


def test_finds_a_database_that_only_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    good("primary")

    url = databases.current().runtime_url
    with speaking_to(url, monkeypatch, default_transaction_read_only="on"):
        assert "RESET default_transaction_read_only" in broken("primary")


def test_finds_a_standby(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_database, "direct", lambda: Answering((True, False)))

    assert "target_session_attrs=read-write" in broken("primary")


class Answering:
    """A connection that gives one answer to everything."""

    def __init__(self, row: tuple[Any, ...]) -> None:
        self._row = row

    def __enter__(self) -> "Answering":
        return self

    def __exit__(self, *failed: object) -> None:
        pass

    def execute(self, query: str, parameters: object = None) -> "Answering":
        return self

    def fetchone(self) -> tuple[Any, ...]:
        return self._row


def test_finds_a_pool_by_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    good("sessions")
    monkeypatch.setattr(doctor_database, "direct", lambda: Answering((4711,)))

    assert "pool_mode = session" in broken("sessions")


def test_finds_commits_that_a_crash_would_lose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_database, "MUST_BE_ON", ("synchronous_commit",))
    url = databases.current().runtime_url

    with speaking_to(url, monkeypatch, synchronous_commit="on"):
        good("durability")
    with speaking_to(url, monkeypatch, synchronous_commit="off"):
        assert "ALTER SYSTEM SET synchronous_commit = on;" in broken("durability")


def test_finds_a_server_without_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_database, "LEAST_FREE_CONNECTIONS", -1000)
    good("connections")
    monkeypatch.setattr(doctor_database, "LEAST_FREE_CONNECTIONS", 10_000)

    assert "Raise max_connections" in broken("connections")


def test_finds_folders_that_can_not_be_written(settings: Any, folder: Path) -> None:
    good("files")
    (folder / "file").write_text("in the way")
    settings.EXPORT_ROOT = folder / "file" / "exports"

    assert "can't be written" in broken("files")


def test_finds_pages_without_their_styles(settings: Any, folder: Path) -> None:
    assert "collectstatic" in broken("static")

    target = folder / "static" / doctor_machine.STYLE
    target.parent.mkdir(parents=True)
    shutil.copy(str(finders.find(doctor_machine.STYLE)), target)
    good("static")

    target.write_text("of an older version")
    assert "another version" in broken("static")


def test_finds_a_machine_without_time_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    good("time_zones")

    def unknown(name: str) -> None:
        raise ZoneInfoNotFoundError(name)

    monkeypatch.setattr(doctor_machine, "ZoneInfo", unknown)
    assert "tzdata" in broken("time_zones")


def test_finds_a_secret_that_is_short_or_not_shared(settings: Any) -> None:
    settings.SECRET_KEY = "a" * 50
    installation.confirm()
    assert Installation.objects.get().facts["secret"]
    good("secret")

    settings.SECRET_KEY = "b" * 50
    assert "every node the same WATCHBILL_SECRET_KEY" in broken("secret")
    installation.confirm()
    good("secret")

    settings.SECRET_KEY = "short"
    assert "openssl rand" in broken("secret")


def test_finds_a_metrics_token_that_can_be_guessed(settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    assert "this machine alone" in good("metrics_token")
    settings.METRICS_TOKEN = "0123456789abcdef"
    good("metrics_token")
    settings.METRICS_TOKEN = "admin"

    said = broken("metrics_token")

    assert "WATCHBILL_METRICS_TOKEN" in said
    assert "admin" not in said


@pytest.mark.parametrize(
    "entry", ["http://hooks.example.org:80", "hooks.example.org", "a:b", "a:1/x", ":80", "u@a:80"]
)
def test_finds_an_exception_that_allows_nothing(entry: str, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = ["10.0.0.7:8080", "hooks.example.org:443", "[::1]:80"]
    good("outbound_allow")
    settings.OUTBOUND_ALLOW = [entry]

    assert entry in broken("outbound_allow")


def test_finds_a_deadman_that_is_never_called(settings: Any) -> None:
    settings.DEADMAN_URL = ""
    assert "nobody outside" in good("deadman")
    settings.DEADMAN_URL = "http://127.0.0.1:81/ping"
    assert "WATCHBILL_OUTBOUND_ALLOW=127.0.0.1:81" in broken("deadman")
    settings.OUTBOUND_ALLOW = ["127.0.0.1:81"]
    good("deadman")
    settings.DEADMAN_URL = "ping.example.org"

    assert "https://" in broken("deadman")


@pytest.fixture
def outside(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A site that is not this machine, though it is."""
    monkeypatch.setattr(doctor_machine, "is_loopback", lambda host: False)
    with web_server() as server:
        settings.BASE_URL = f"http://127.0.0.1:{server.port}"
        yield server


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (301, {"Location": "https://watchbill.example.org/"}, "X-Forwarded-Proto: https"),
        (400, {}, "answers 400"),
        (502, {}, "answers 502"),
    ],
)
def test_finds_a_proxy_that_leads_elsewhere(
    outside: Any, status: int, headers: dict[str, str], words: str
) -> None:
    assert "answers" in good("web")
    outside.status, outside.headers = status, headers

    assert words in broken("web")


def test_finds_a_site_that_does_not_answer(settings: Any, outside: Any) -> None:
    settings.BASE_URL = "http://127.0.0.1:1"

    assert "does not answer" in broken("web")


def test_finds_a_certificate_that_is_none(outside: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*given: Any, **more: Any) -> None:
        raise requests.exceptions.SSLError("certificate has expired")

    monkeypatch.setattr(doctor_machine, "requests", SimpleNamespace(
        get=refused, exceptions=requests.exceptions, RequestException=requests.RequestException
    ))  # fmt: skip

    assert "Renew" in broken("web")


def test_asks_no_site_on_this_machine(settings: Any) -> None:
    settings.BASE_URL = "http://127.0.0.1:1"

    assert "not asked" in good("web")
