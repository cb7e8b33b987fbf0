"""What /readyz, the self-audit and the dead-man URL are told."""

import datetime

import pytest
from django.core.management import call_command

from config import clock
from config.due import health, installation, selfaudit
from config.due.models import Channel, Installation, Timer, WorkerHeartbeat
from config.due.operations import schedule, send_later
from config.due.process import _Audit
from config.due.worker import run_due
from config.organisation.models import User
from tests.config.due.servers import web_server

pytestmark = pytest.mark.django_db
LONG_AGO = datetime.timedelta(hours=2)


@pytest.fixture
def root() -> User:
    return User.objects.system()


@pytest.fixture
def well():
    """A worker lives."""
    installation.beat("a worker", clock.now())


def bad() -> set[str]:
    return {name for name, check in health.checks().items() if not check.ok}


def test_is_good_with_a_worker_and_nothing_late(well):
    assert bad() == set()
    assert tuple(health.checks()) == health.NAMES


def test_misses_the_worker():
    assert bad() == {"worker"}
    assert "manage.py worker" in health.checks()["worker"].detail


def test_misses_a_worker_that_fell_silent(well):
    WorkerHeartbeat.objects.update(seen_at=clock.now() - LONG_AGO)

    assert bad() == {"worker"}


def test_sees_a_timer_that_nobody_did(well, root):
    schedule("test.bump", root, clock.now() - LONG_AGO, key="late")

    assert bad() == {"queue"}
    assert "timers 7200 s late" in health.checks()["queue"].detail


def test_takes_a_leased_row_for_no_late_one(well, root):
    late = schedule("test.bump", root, clock.now() - LONG_AGO, key="leased")
    Timer.objects.filter(pk=late.pk).update(next_at=clock.now() + LONG_AGO)

    assert bad() == set()


def test_sees_messages_that_do_not_go_and_says_why(well, root):
    installation.pause(Installation.objects.get_or_create()[0], "restored")
    assert bad() == set()
    moment = clock.now() - LONG_AGO
    send_later("test.message", root, channel=Channel.MAIL, address="a@x.org", due_at=moment)

    assert bad() == {"outbox"}
    assert "paused (restored): run manage.py resume_outbound" in health.checks()["outbox"].detail


def test_keeps_silent_to_the_dead_man_url_after_a_fresh_dead_letter(well, root, settings):
    with web_server() as web:
        settings.OUTBOUND_ALLOW = [f"127.0.0.1:{web.port}"]
        settings.DEADMAN_URL = web.url
        _Audit().audit(clock.now())
        assert len(web.requests) == 1
        assert Installation.objects.get().facts["self_audit"]["ok"] is True

        schedule("test.unknown", root, clock.now(), key="dies")
        run_due(clock.now())
        _Audit().audit(clock.now())

    assert len(web.requests) == 1
    assert Installation.objects.get().facts["self_audit"]["ok"] is False
    assert bad() == set()
    assert not selfaudit.all_done(selfaudit.checks())


def test_prints_every_hook(capsys):
    call_command("events")

    assert "timer     test.bump" in capsys.readouterr().out
