"""Mails: one attempt over SMTP, and what the server may answer."""

import time
import uuid

import pytest

from config.due import mail
from config.due.leases import lease_one
from config.due.models import Attempt, AttemptOutcome, Channel, OutboundMessage
from config.due.operations import Send
from config.due.sending import attempt
from tests.config.due.servers import drip, mail_server, raw_server


def test_mails_under_the_same_message_id_each_time(settings, promise):
    headers = {"X-Watchbill-Incident": "INC-1", "References": "<thread@x>"}
    with mail_server() as box:
        settings.SMTP_URL = box.url
        message = promise("alice@example.org", channel=Channel.MAIL, headers=headers)
        attempt(lease_one(message))
        OutboundMessage.objects.filter(pk=message.pk).update(done_at=None, outcome="")
        attempt(lease_one(message))

    first, second = box.mails
    assert first["Message-ID"] == second["Message-ID"] == f"<{message.pk}@127.0.0.1>"
    assert (first["To"], first["Subject"]) == ("alice@example.org", "Hello")
    assert (first["X-Watchbill-Incident"], first["References"]) == ("INC-1", "<thread@x>")
    assert str(first.get_payload()).strip() == "attempt 1"
    assert "queued as 1A2B" in Attempt.objects.order_by("pk")[0].answer


def stranger(address: str) -> OutboundMessage:
    return OutboundMessage(
        id=uuid.uuid4(), purpose="test.message", channel=Channel.MAIL, address=address
    )


@pytest.mark.parametrize(
    ("address", "send"),
    [
        ("alice@example.org\r\nBcc: mallory@example.org", Send()),
        ("alice@example.org, mallory@example.org", Send()),
        ("nobody", Send()),
        ("", Send()),
        ("alice@example.org", Send(subject="a\r\nBcc: mallory@example.org")),
        ("alice@example.org", Send(headers={"X-A": "a\nb"})),
        ("alice@example.org", Send(headers={"X-A: b\r\nBcc": "mallory@example.org"})),
        ("alice@example.org", Send(headers={"Bcc": "mallory@example.org"})),
        ("alice@example.org", Send(headers={"Message-ID": "<mine@x>"})),
    ],
)
def test_refuses_a_mail_whose_values_break_out(settings, address, send):
    settings.SMTP_URL = "smtp://127.0.0.1:1"

    assert mail.post(stranger(address), send).outcome == AttemptOutcome.REFUSED


@pytest.mark.parametrize(
    ("replies", "outcome"),
    [
        ({"rcpt": "550 no such user"}, AttemptOutcome.REFUSED),
        ({"rcpt": "451 later"}, AttemptOutcome.FAILED),
        ({"data": "554 refused"}, AttemptOutcome.REFUSED),
        ({"data": "452 full"}, AttemptOutcome.FAILED),
    ],
)
def test_tells_a_refusal_from_a_passing_failure(settings, replies, outcome):
    with mail_server(**replies) as box:
        settings.SMTP_URL = box.url
        answer = mail.post(stranger("alice@example.org"), Send(text="hello"))

    assert answer.outcome == outcome
    assert next(iter(replies.values())) in answer.text


def test_waits_for_a_late_greeting(settings, monkeypatch):
    monkeypatch.setattr(mail, "CONNECT_SECONDS", 0.1)

    def talk(connection):
        time.sleep(0.4)
        connection.sendall(b"220 late\r\n")
        for _ in range(4):
            connection.recv(1000)
            connection.sendall(b"250 OK\r\n")

    with raw_server(talk) as port:
        settings.SMTP_URL = f"smtp://127.0.0.1:{port}"
        answer = mail.post(stranger("alice@example.org"), Send(text="hello"))

    assert "late" not in answer.text
    assert "timed out" not in answer.text


def test_ends_a_mail_server_that_drips(settings, monkeypatch):
    monkeypatch.setattr(mail, "WHOLE_SECONDS", 0.3)
    with raw_server(drip) as port:
        settings.SMTP_URL = f"smtp://127.0.0.1:{port}"
        answer = mail.post(stranger("alice@example.org"), Send(text="hello"))

    assert answer.outcome == AttemptOutcome.FAILED


def test_says_that_no_mail_server_is_configured(settings):
    settings.SMTP_URL = ""

    answer = mail.post(stranger("alice@example.org"), Send())

    assert (answer.outcome, "WATCHBILL_SMTP_URL" in answer.text) == (AttemptOutcome.FAILED, True)


def test_reads_the_mail_servers_url():
    found = mail.server("smtps://me:p%40ss@mail.example.org?from=wb@example.org")

    assert (found.host, found.port, found.user, found.password) == (
        *("mail.example.org", 465),
        *("me", "p@ss"),
    )
    assert (found.tls, found.starttls, found.sender) == (True, False, "wb@example.org")
    assert mail.server("smtp://mail:2525?starttls=1").starttls is True
    with pytest.raises(ValueError, match="smtp://"):
        mail.server("http://mail")
