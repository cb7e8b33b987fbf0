"""Messages: one attempt, its answer, and what follows."""

import _socket
import datetime
import socket
import time

import pytest

from config import clock
from config.due import webhook
from config.due.answers import Answer, failed, refused, sent
from config.due.leases import lease_one
from config.due.models import Attempt, AttemptOutcome, OutboundMessage
from config.due.operations import Send, provider_of, retry
from config.due.sending import _transports, attempt, capture_sends
from config.due.worker import run_due
from config.events.models import Event
from config.organisation.models import User
from tests.config.due.effects import bump, count
from tests.config.due.servers import drip, raw_server, web_server


@pytest.fixture
def web(settings):
    with web_server() as server:
        settings.OUTBOUND_ALLOW = [f"127.0.0.1:{server.port}"]
        yield server


@pytest.fixture
def numbers_resolve(monkeypatch):
    """Addresses in digits are read, as on a machine with a network; connecting stays closed."""

    def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
        numeric = 0 if host == "localhost" else socket.AI_NUMERICHOST
        return _socket.getaddrinfo(host, port, family, type, proto, numeric)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def outcomes(message: OutboundMessage) -> list[str]:
    return list(message.tries.order_by("pk").values_list("outcome", flat=True))


def test_posts_json_under_the_messages_key(web, promise):
    message = promise(web.url)

    attempt(lease_one(message))

    message.refresh_from_db()
    assert (message.outcome, message.dead_at) == (AttemptOutcome.SENT, None)
    assert message.done_at is not None
    path, headers, body = web.requests[0]
    assert (path, body) == ("/hook", b'{"attempt": 1}')
    assert headers["Idempotency-Key"] == str(message.pk)
    assert headers["Content-Type"] == "application/json"
    assert headers["Host"] == f"127.0.0.1:{web.port}"
    assert count(f"sent {message.pk}") == 1
    assert Attempt.objects.get().answer == "HTTP 200 ok"


def test_lets_a_purpose_name_its_own_key(web, promise):
    attempt(lease_one(promise(web.url, headers={"Idempotency-Key": "page-1"})))

    assert web.requests[0][1]["Idempotency-Key"] == "page-1"


def test_skips_what_is_not_needed_any_more(web, promise):
    message = promise(web.url)
    bump(f"skip {message.pk}")

    attempt(lease_one(message))

    message.refresh_from_db()
    assert (message.outcome, outcomes(message)) == ("skipped", ["skipped"])
    assert message.done_at is not None
    assert web.requests == []
    assert count(f"sent {message.pk}") == 0


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_gives_up_at_once_when_refused(web, promise, status):
    web.status = status
    message = promise(web.url)

    attempt(lease_one(message))

    message.refresh_from_db()
    assert (message.outcome, outcomes(message)) == ("refused", ["refused"])
    assert message.dead_at is not None
    assert count(f"failed {message.pk}") == 1
    assert Event.objects.get(kind="due.dead").data["row"] == str(message.pk)


@pytest.mark.parametrize("status", [301, 307, 408, 429, 500, 503])
def test_tries_again_after_a_passing_failure(web, promise, status):
    web.status = status
    web.headers = {"Location": "/elsewhere"}
    message = promise(web.url)

    attempt(lease_one(message))

    message.refresh_from_db()
    assert message.is_open
    assert (message.token, outcomes(message)) == (None, ["failed"])
    assert len(web.requests) == 1
    assert count(f"failed {message.pk}") == 0


def test_waits_as_long_as_the_provider_asks(web, promise):
    web.status, web.headers = 429, {"Retry-After": "120"}
    message = promise(web.url)
    before = clock.now()

    attempt(lease_one(message))

    message.refresh_from_db()
    wait = (message.next_at - before).total_seconds()
    assert 119 <= wait <= 125


def test_tells_the_purpose_after_the_last_failure(web, promise):
    web.status = 500
    message = promise(web.url)
    for _ in range(4):
        message.refresh_from_db()
        attempt(lease_one(message))

    message.refresh_from_db()
    assert (message.outcome, message.attempts) == ("failed", 4)
    assert message.dead_at is not None
    assert count(f"failed {message.pk}") == 1
    assert outcomes(message) == ["failed"] * 4

    web.status = 200
    retry(message, actor=User.objects.system())
    attempt(lease_one(message))
    message.refresh_from_db()
    assert (message.outcome, message.dead_at) == ("sent", None)


def test_repeats_only_what_follows_when_that_fails(web, promise):
    message = promise(web.url, sent_fails=1)

    attempt(lease_one(message))
    message.refresh_from_db()
    assert message.is_open
    assert message.outcome == "sent"

    attempt(lease_one(message))
    message.refresh_from_db()
    assert message.done_at is not None
    assert len(web.requests) == 1
    assert count(f"sent {message.pk}") == 1
    assert outcomes(message) == ["sent"]


@pytest.mark.parametrize("answer", [sent("ok"), failed("not now"), refused("never")], ids=str)
def test_marks_nothing_once_the_lease_is_lost(web, promise, answer: Answer):
    message = promise(web.url)
    OutboundMessage.objects.filter(pk=message.pk).update(channel="slow")
    lease = lease_one(message)
    others = []

    def lose_it(message: OutboundMessage, send: Send) -> Answer:
        others.append(lease_one(message))
        return answer

    _transports["slow"] = lose_it
    attempt(lease)

    message.refresh_from_db()
    (other,) = others
    assert message.is_open
    assert (message.token, message.next_at) == (other.token, other.row.next_at)
    assert outcomes(message) == [answer.outcome]
    assert count(f"sent {message.pk}") == 0


def test_parks_an_unknown_purpose(promise):
    message = promise("http://127.0.0.1:1/", purpose="test.unheard")

    attempt(lease_one(message))

    message.refresh_from_db()
    assert message.dead_at is not None
    assert "test.unheard" in message.last_error


def test_counts_an_error_in_making_it_as_a_failure(promise, root):
    message = promise("http://127.0.0.1:1/", headers=3)

    attempt(lease_one(message))

    message.refresh_from_db()
    assert message.is_open
    assert outcomes(message) == ["failed"]


def test_captures_instead_of_sending_when_run_by_hand(web, promise):
    message = promise(web.url)

    with capture_sends() as caught:
        run_due(clock.now())

    assert [each.message.pk for each in caught] == [message.pk]
    assert web.requests == []
    message.refresh_from_db()
    assert message.outcome == "sent"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://2130706433/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.64.0.1/",
        "http://[64:ff9b::7f00:1]/",
        "http://0.0.0.0/",
        "http://192.168.1.1/",
        "http://93.184.216.34:8080/",
        "https://93.184.216.34:22/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "http://user:secret@93.184.216.34/",
        "http:///nowhere",
        "http://93.184.216.34:99999/",
        "http://93.184.216.34/a b",
        "http://93.184.216.34/a\r\nX: y",
        "no url",
        "",
    ],
)
def test_never_calls_an_address_inside_or_odd(numbers_resolve, url):
    answer = webhook.call("POST", url, body=b"{}")

    assert answer.outcome == AttemptOutcome.REFUSED


def test_tells_how_to_allow_an_address_inside(numbers_resolve):
    answer = webhook.call("POST", "http://10.0.0.1/")

    assert "WATCHBILL_OUTBOUND_ALLOW=10.0.0.1:80" in answer.text


def test_refuses_a_header_that_breaks_out(web):
    answer = webhook.call("POST", web.url, headers={"X-A": "a\r\nX-B: b"})

    assert answer.outcome == AttemptOutcome.REFUSED
    assert web.requests == []


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX-A: "])
def test_ends_an_answer_that_drips(settings, monkeypatch, start):
    monkeypatch.setattr(webhook, "WHOLE_SECONDS", 0.3)

    def talk(connection):
        connection.recv(1000)
        connection.sendall(start)
        drip(connection)

    with raw_server(talk) as port:
        settings.OUTBOUND_ALLOW = [f"127.0.0.1:{port}"]
        began = time.monotonic()
        answer = webhook.call("POST", f"http://127.0.0.1:{port}/", body=b"{}")

    assert answer.outcome == AttemptOutcome.FAILED
    assert "ended after" in answer.text
    assert time.monotonic() - began < 20  # the other side would go on for ever


def test_believes_a_status_though_the_body_never_ends(settings, monkeypatch):
    monkeypatch.setattr(webhook, "WHOLE_SECONDS", 0.3)

    def talk(connection):
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        drip(connection)

    with raw_server(talk) as port:
        settings.OUTBOUND_ALLOW = [f"127.0.0.1:{port}"]
        answer = webhook.call("POST", f"http://127.0.0.1:{port}/", body=b"{}")

    assert answer.outcome == AttemptOutcome.SENT


def test_fails_when_nobody_listens(settings):
    with socket.create_server(("127.0.0.1", 0)) as closing:
        port = closing.getsockname()[1]
    settings.OUTBOUND_ALLOW = [f"127.0.0.1:{port}"]

    assert webhook.call("POST", f"http://127.0.0.1:{port}/").outcome == AttemptOutcome.FAILED


def test_stores_an_answer_with_nul_bytes(web, promise):
    web.body = b"a\0b\xff"
    message = promise(web.url)

    attempt(lease_one(message))

    assert Attempt.objects.get().answer == "HTTP 200 ab\ufffd"


def test_names_the_provider_whose_slowness_is_shared():
    assert provider_of("mail", "alice@example.org") == "mail"
    assert (
        provider_of("webhook", "https://Hooks.example.org/a") == "webhook hooks.example.org:https"
    )
    assert provider_of("webhook", "https://[bad") == "webhook"


def test_refused_answers_say_so():
    assert refused("no").outcome == AttemptOutcome.REFUSED
    assert datetime.timedelta(seconds=webhook.WHOLE_SECONDS) == datetime.timedelta(seconds=15)
