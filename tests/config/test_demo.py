"""What the demo leaves on disk: var/demo.json, and every mail as a file."""

import signal
import smtplib
import socket
import stat
import subprocess
import sys
from email import message_from_bytes

import pytest

from config import demo_file
from config.embedded.place import CHECKOUT

SEEDED = {
    "logins": {"admin": {"username": "ann", "password": "p", "api_token": "wb_pat_x"}},
    "ingest": {"generic": "t"},
    "services": [{"key": "pay", "tier": 1, "on_call": "bob"}],
}


@pytest.fixture
def sink(tmp_path, eventually):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["smtp_sink", "--port", str(port), "--dir", str(tmp_path / "mail")]
    process = subprocess.Popen([sys.executable, "manage.py", *words], cwd=CHECKOUT)
    eventually(lambda: _accepts(port), within=30)
    yield port
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0


def _accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def test_describes_the_demo_by_its_contract():
    addresses = {"database_url": "d", "superuser_url": "s", "public_key": "k"}
    pids = {"web": 1, "worker": 2, "qcluster": 3, "postgres": 4}

    content = demo_file.compose(SEEDED, url="http://127.0.0.1:8000", pids=pids, addresses=addresses)

    assert content == {"url": "http://127.0.0.1:8000", "pids": pids, **SEEDED, **addresses}


def test_writes_the_file_whole_and_for_us_alone(tmp_path):
    target = tmp_path / "demo.json"
    target.write_text("old")

    demo_file.write_whole(target, {"url": "u"})

    assert target.read_text() == '{\n  "url": "u"\n}\n'
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_has_no_public_key_before_the_first_seal(tmp_path):
    assert demo_file.write_public_key(tmp_path / "none.pem", tmp_path / "public.pem") is None


def test_keeps_every_mail_with_its_envelope(sink, tmp_path):
    with smtplib.SMTP("127.0.0.1", sink) as client:
        for number in range(3):
            client.sendmail("a@x.test", ["b@x.test", "c@x.test"], f"Subject: {number}\r\n\r\nbody")

    mails = [message_from_bytes(each.read_bytes()) for each in (tmp_path / "mail").glob("*.eml")]
    assert sorted(mail["Subject"] for mail in mails) == ["0", "1", "2"]
    assert {mail["X-Envelope-To"] for mail in mails} == {"b@x.test, c@x.test"}
