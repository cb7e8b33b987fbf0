"""`manage.py doctor` finds each mistake that an operator makes, and says what to do about it."""

import datetime
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.db import connection
from django_q.brokers import get_broker
from django_q.signing import SignedPackage
from django_q.status import Stat

from config import clock, doctor, doctor_database, doctor_evidence, doctor_machine, doctor_service
from config.audit import keys
from config.audit.sealing import seal
from config.database import runtime_role
from config.doctor import Result
from config.due import installation
from config.due.models import Installation, OutboundMessage, Timer
from config.events.operations import record
from tests.config import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def files(settings: Any, tmp_path: Path) -> Path:
    """Everything outside the database in the test's folder."""
    settings.VAR = tmp_path
    settings.SIGNING_KEY = tmp_path / "keys" / "signing.pem"
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    return tmp_path


def found(name: str) -> Result:
    return doctor._checks[name]()


def good(name: str) -> str:
    result = found(name)
    assert result.ok, result
    return result.detail


def broken(name: str) -> str:
    """What it found; a finding without a remedy is no finding."""
    result = found(name)
    assert result.ok is False, result
    assert result.remedy
    return f"{result.detail} -> {result.remedy}"


@contextmanager
def as_owner() -> Iterator[Any]:
    """Rights of the role that migrates, inside the test's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (role,) = cursor.fetchone()
        cursor.execute("SET LOCAL ROLE NONE")
        yield cursor
        cursor.execute(f"SET LOCAL ROLE {role}")


def test_finds_an_old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    good("python")
    old = SimpleNamespace(version="3.11.2 (main)", version_info=(3, 11, 2), executable="python")
    monkeypatch.setattr(doctor, "sys", old)

    assert "3.12 to 3.14" in broken("python")


def test_finds_an_old_server(monkeypatch: pytest.MonkeyPatch) -> None:
    good("postgresql")
    monkeypatch.setattr(doctor, "OLDEST_POSTGRESQL", 99)

    assert "PostgreSQL 99 or later" in broken("postgresql")


def test_finds_the_product_working_as_superuser(
    superuser_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "direct", lambda: psycopg.connect(superuser_dsn, autocommit=True))

    assert "no superuser" in broken("database")


def test_finds_migrations_that_wait() -> None:
    good("migrations")
    with as_owner() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'compliance'")

    assert "manage.py migrate" in broken("migrations")


def test_finds_clocks_that_differ() -> None:
    good("clock")

    with clock.simulated(clock.now() + datetime.timedelta(seconds=4)):
        assert "NTP" in broken("clock")


def test_finds_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 1 << 62)

    assert "Free some space" in broken("disk")


def test_finds_a_role_that_may_alter_the_ledger() -> None:
    good("roles")

    with as_owner():
        said = broken("roles")

    assert "audit_checkpoint among them" in said
    assert "DATABASE_OWNER_URL" in said


def test_finds_a_single_right_too_many() -> None:
    with as_owner() as cursor:
        cursor.execute(f"GRANT DELETE ON config_event TO {runtime_role()}")

    assert "1 tables of evidence, config_event" in broken("roles")


def test_finds_a_missing_or_open_purge_role(monkeypatch: pytest.MonkeyPatch) -> None:
    good("purge_role")

    monkeypatch.setattr(doctor_evidence, "PURGE_ROLE", "no_such_role")
    assert "CREATE ROLE no_such_role" in broken("purge_role")

    monkeypatch.setattr(doctor_evidence, "PURGE_ROLE", runtime_role())
    assert "NOLOGIN" in broken("purge_role")


def test_finds_a_purge_that_another_role_owns() -> None:
    with as_owner() as cursor:
        cursor.execute("ALTER FUNCTION audit_purge(bigint, text, text[]) OWNER TO CURRENT_USER")

    assert "does not own" in broken("purge_role")


def test_finds_a_trigger_that_is_off() -> None:
    good("triggers")
    with as_owner() as cursor:
        cursor.execute("ALTER TABLE config_event DISABLE TRIGGER audit_append")

    assert "audit_append on config_event is disabled" in broken("triggers")


def test_finds_secrets_that_others_may_read(files: Path) -> None:
    assert "first seal" in good("keys")
    keys.signing_key()
    good("keys")

    keys.private_path().chmod(0o640)

    assert "chmod 600" in broken("keys")


def test_finds_a_lost_key() -> None:
    keys.signing_key()
    keys.private_path().unlink()

    assert "Put it back" in broken("keys")


def test_finds_a_key_that_is_not_the_logs(settings: Any, files: Path) -> None:
    make.unit()
    seal()
    good("keys")

    settings.SIGNING_KEY = files / "keys" / "other.pem"
    assert "is gone" in broken("keys")
    keys.signing_key()

    assert "not the one that signed" in broken("keys")


def test_finds_a_key_that_is_none(files: Path) -> None:
    keys.private_path().parent.mkdir()
    keys.private_path().write_text("not a key")
    keys.private_path().chmod(0o600)

    assert "Put the key back" in broken("keys")


def test_finds_a_checkpoint_folder_that_can_not_be_written(settings: Any, files: Path) -> None:
    good("checkpoints")
    (files / "file").write_text("in the way")
    settings.CHECKPOINT_DIR = files / "file" / "checkpoints"

    assert "can't be written" in broken("checkpoints")


def test_finds_checkpoints_inside_the_database(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_evidence, "_data_folder", lambda: files / "elsewhere")
    (files / "elsewhere").mkdir()
    assert "copy" in good("checkpoints")

    monkeypatch.setattr(doctor_evidence, "_data_folder", lambda: files)

    assert "one harm takes both" in broken("checkpoints")


def test_finds_a_checkpoint_that_was_not_published() -> None:
    make.unit()
    seal()  # published after the commit, which this test does not reach

    assert "newest checkpoint is not in" in broken("checkpoints")


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost", True),
        ("https://watchbill.example.org", True),
        ("http://watchbill.example.org", False),
        ("http://10.0.0.7", False),
    ],
)
def test_finds_an_address_without_encryption(url: str, fine: bool, settings: Any) -> None:
    settings.BASE_URL = url

    assert good("base_url") if fine else "https://" in broken("base_url")


@pytest.mark.parametrize("name", ["*", "https://watchbill.example.org", "example.org:443", "a/b"])
def test_finds_what_is_no_host_name(name: str, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", ".example.org"]
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    good("hosts")

    settings.ALLOWED_HOSTS = [name]

    assert "WATCHBILL_HOSTS" in broken("hosts")


@pytest.mark.parametrize(
    ("proxies", "words"),
    [([], "redirects to itself"), (["proxy"], "networks"), (["0.0.0.0/0"], "pose as anybody")],
)
def test_finds_proxies_that_do_not_fit(proxies: list[str], words: str, settings: Any) -> None:
    settings.BASE_URL, settings.TRUSTED_PROXIES = "https://watchbill.example.org", proxies

    assert words in broken("hosts")


def test_finds_no_worker() -> None:
    assert "manage.py worker" in broken("worker")

    installation.beat("a worker", clock.now())

    good("worker")


def ago(**span: float) -> datetime.datetime:
    return clock.now() - datetime.timedelta(**span)


def timer(**fields: Any) -> Timer:
    values = {"kind": "test.late", "key": "x", "root_type": "config.user", "root_id": 1}
    return Timer.objects.create(**values, **fields)


def message(**fields: Any) -> OutboundMessage:
    values = {"purpose": "test.message", "channel": "mail", "address": "a@example.org"}
    return OutboundMessage.objects.create(
        **values, provider="mail", root_type="config.user", root_id=1, **fields
    )


def test_finds_a_queue_that_lags() -> None:
    good("queue")
    timer(next_at=ago(minutes=10))

    assert "timers 6" in broken("queue")


def test_finds_an_outbox_that_lags() -> None:
    good("outbox")
    message(next_at=ago(minutes=10))

    assert "oldest 6" in broken("outbox")


def test_finds_entries_that_nobody_seals() -> None:
    good("seal")
    with as_owner() as cursor:
        cursor.execute(
            "INSERT INTO audit_ledger (seq, table_name, row_key, column_set, hash, at)"
            " VALUES (-1, 'test', '1', 1, '', now() - interval '2 minutes')"
        )
        cursor.execute("INSERT INTO audit_unsealed (seq) VALUES (-1)")

    assert "without a seal: 120 s" in broken("seal")


@pytest.mark.parametrize("make_one", [timer, message])
def test_finds_dead_letters(make_one: Callable[..., Any]) -> None:
    assert good("dead_letters") == "none"
    make_one(dead_at=clock.now())

    assert "retry" in broken("dead_letters")


def test_finds_outbound_paused() -> None:
    good("outbound")
    installation.pause(Installation.objects.get(), "because of a test")

    assert "because of a test -> " in broken("outbound")


def test_finds_no_cluster_of_jobs() -> None:
    assert "manage.py qcluster" in broken("jobs")
    seen = SimpleNamespace(host="here", pid=7, status="Idle")

    get_broker().set_stat(Stat.get_key("a"), SignedPackage.dumps(seen, True), 3)

    assert good("jobs") == "here:7 Idle"


def backup_taken(at: datetime.datetime, kind: str = "backup.taken") -> None:
    with clock.simulated(at):
        record(kind, None, actor=make.system(), file="a.backup")


def test_finds_no_backup_within_a_day() -> None:
    assert "new" in good("backup")
    backup_taken(ago(hours=25), "test.other")
    assert "none was ever taken" in broken("backup")

    backup_taken(ago(hours=24.5))
    assert "the last is of" in broken("backup")

    backup_taken(ago(hours=1))
    assert "a.backup" in good("backup")


def test_asks_no_backup_and_no_mail_of_a_demonstration(settings: Any) -> None:
    backup_taken(ago(hours=25), "test.other")
    settings.SMTP_URL = ""
    Installation.objects.update(is_demo=True)

    assert "demonstration" in good("backup")
    assert "demonstration" in good("mail")


def test_registers_every_check() -> None:
    rooms = (doctor_database, doctor_evidence, doctor_machine, doctor_service)

    assert {room.__name__ for room in rooms} <= {
        each.__module__ for each in doctor._checks.values()
    }
