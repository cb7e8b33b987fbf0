"""A worker is two processes, one that decides and one that sends, and ends as one."""

import os
import signal
from pathlib import Path

import pytest

from config import clock
from config.due.models import Channel, WorkerHeartbeat
from config.due.operations import schedule, send_later
from config.organisation.models import User
from tests.config.due.effects import count
from tests.config.due.servers import web_server

pytestmark = pytest.mark.slow


@pytest.fixture
def root(fresh_db):
    return User.objects.system()


def sender_of(worker) -> int:
    """The process that the worker has started."""
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
    (pid,) = map(int, children)
    return pid


def is_alive(pid: int) -> bool:
    """Whether it runs; a zombie doesn't."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_ends_with_the_process_that_sends(root, start_worker, eventually):
    worker = start_worker()
    os.kill(sender_of(worker), signal.SIGKILL)

    eventually(lambda: worker.process.poll() is not None)

    assert worker.process.returncode == 1  # whoever keeps it running starts it again
    assert "Nothing can be sent any more" in worker.log.read_text()
    assert not WorkerHeartbeat.objects.filter(pid=worker.pid).exists()


def test_sends_nothing_once_the_process_that_decides_is_killed(root, start_worker, eventually):
    worker = start_worker()
    sender = sender_of(worker)
    os.kill(worker.pid, signal.SIGKILL)

    eventually(lambda: not is_alive(sender))

    with web_server() as web:
        allow = {"WATCHBILL_OUTBOUND_ALLOW": f"127.0.0.1:{web.port}"}
        message = send_later("test.message", root, channel=Channel.WEBHOOK, address=web.url)
        start_worker(**allow)
        eventually(lambda: web.requests)
        eventually(lambda: count(f"sent {message.pk}") == 1)
    assert len(web.requests) == 1


def test_decides_and_beats_while_nothing_can_be_sent(root, start_worker, eventually):
    worker = start_worker()
    sender = sender_of(worker)
    os.kill(sender, signal.SIGSTOP)
    try:
        schedule("test.bump", root, clock.now(), key="meanwhile")
        eventually(lambda: count("meanwhile") == 1)
    finally:
        os.kill(sender, signal.SIGCONT)


def test_ends_both_when_asked_to(root, start_worker, eventually):
    worker = start_worker()
    sender = sender_of(worker)
    worker.process.send_signal(signal.SIGTERM)

    eventually(lambda: worker.process.poll() is not None)

    assert worker.process.returncode == 0
    assert not is_alive(sender)
    assert not WorkerHeartbeat.objects.filter(pid=worker.pid).exists()
