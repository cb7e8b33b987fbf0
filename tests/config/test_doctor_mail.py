"""`manage.py doctor` on mail: whether pages could leave, and where their links would lead."""

from typing import Any

import pytest

from tests.config.due.servers import mail_server
from tests.config.test_doctor_checks import broken, good

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "no mail server is configured"),
        ("mail.example.org", "smtp://"),
        ("smtp://user:secret@mail.example.org:587", "starttls=1"),
        ("smtp://127.0.0.1:1", "can't be reached"),
    ],
)
def test_finds_mail_that_can_not_leave(url: str, words: str, settings: Any) -> None:
    settings.SMTP_URL = url

    said = broken("mail")

    assert words in said
    assert "secret" not in said


def test_sees_a_mail_server_that_answers(settings: Any) -> None:
    with mail_server() as box:
        settings.SMTP_URL = box.url

        assert "answers" in good("mail")
        assert box.mails == []


@pytest.mark.parametrize(
    ("secret", "words"), [("right", ""), ("wrong", "Correct user and password")]
)
def test_finds_a_wrong_password(secret: str, words: str, settings: Any) -> None:
    with mail_server(password="right") as box:
        settings.SMTP_URL = box.url.replace("//", f"//watchbill:{secret}@")

        said = broken("mail") if words else good("mail")

    assert words in said
    assert secret not in said


def test_finds_a_server_without_the_encryption_that_was_asked_for(settings: Any) -> None:
    with mail_server() as box:
        settings.SMTP_URL = f"{box.url}?starttls=1"
        assert "STARTTLS" in broken("mail")

        settings.SMTP_URL = box.url.replace("smtp:", "smtps:")
        assert "ports that begin with TLS" in broken("mail")


@pytest.mark.parametrize("base", ["https://10.0.0.7", "https://watchbill"])
def test_finds_a_sender_that_no_mail_server_takes(base: str, settings: Any) -> None:
    settings.BASE_URL, settings.SMTP_URL = base, "smtp://mail.example.org"

    assert "?from=watchbill@your.domain" in broken("mail")


def test_finds_links_that_lead_to_the_readers_machine(settings: Any) -> None:
    settings.BASE_URL, settings.SMTP_URL = "http://127.0.0.1:8000", "smtp://mail.example.org"

    assert "the reader's own 127.0.0.1:8000" in broken("base_url")
