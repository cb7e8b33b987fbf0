"""What leaves the house: webhooks reach nobody inside, and no value breaks out of its place."""

import csv
import io
import json
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from config import logs
from config.audit.plain_values import cell
from config.due import mail, webhook
from config.due.models import AttemptOutcome, OutboundMessage
from config.due.operations import Send
from tests.config.due.servers import web_server

INSIDE = {
    "loopback": "127.0.0.1",
    "link-local": "169.254.169.254",
    "private-10": "10.1.2.3",
    "private-172": "172.16.0.9",
    "private-192": "192.168.0.7",
    "carrier-grade": "100.64.1.1",
    "unspecified": "0.0.0.0",
    "multicast": "224.0.0.1",
    "loopback-6": "::1",
    "link-local-6": "fe80::1",
    "unique-local-6": "fd00::1",
    "mapped": "::ffff:10.0.0.1",
    "nat64": "64:ff9b::a00:1",
}
SPELLINGS = ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1", "127.0.0.1.", "localhost"]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What the resolver answers, instead of asking one; numbers it reads as libc does."""
    known = {"localhost": ["127.0.0.1", "::1"]}

    def answer(host: str, port: Any, *rest: Any, **options: Any) -> Any:
        found = known.get(host) or [_number(host)]
        kinds = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(kinds[":" in ip], socket.SOCK_STREAM, 6, "", (ip, port)) for ip in found]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return known


def _number(host: str) -> str:
    """2130706433, 0x7f000001 and 0177.0.0.1 are addresses to libc."""
    return host if ":" in host else socket.inet_ntoa(socket.inet_aton(host.rstrip(".")))


@pytest.mark.parametrize("ip", INSIDE.values(), ids=INSIDE)
def test_calls_no_name_that_leads_inside(names: dict[str, list[str]], ip: str):
    names["hook.example.org"] = [ip]

    answer = webhook.call("POST", "https://hook.example.org/", body=b"{}")

    assert answer.outcome == AttemptOutcome.REFUSED


def test_calls_no_name_of_which_one_address_leads_inside(names: dict[str, list[str]]):
    names["hook.example.org"] = ["10.0.0.1", "93.184.216.34"]

    answer = webhook.call("POST", "https://hook.example.org/", body=b"{}")

    assert answer.outcome == AttemptOutcome.REFUSED


@pytest.mark.parametrize("host", SPELLINGS)
def test_knows_loopback_in_every_spelling(names: dict[str, list[str]], host: str):
    answer = webhook.call("POST", f"http://{host}/", body=b"{}")

    assert answer.outcome == AttemptOutcome.REFUSED


def test_connects_to_the_address_that_was_checked(
    names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
):
    """A name that leads outside when it is checked, and inside a moment later, gains nothing."""
    names["hook.example.org"] = ["93.184.216.34"]
    connected: list[Any] = []

    def refuse(address: Any, timeout: Any) -> Any:
        names["hook.example.org"] = ["127.0.0.1"]
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)

    webhook.call("POST", "https://hook.example.org/", body=b"{}")

    assert connected == [("93.184.216.34", 443)]


def test_never_follows_a_redirect(settings: Any):
    with web_server() as server:
        settings.OUTBOUND_ALLOW = [f"127.0.0.1:{server.port}"]
        server.status, server.headers = 302, {"Location": f"{server.url}elsewhere"}

        answer = webhook.call("POST", server.url, body=b"{}")

    assert answer.outcome != AttemptOutcome.SENT
    assert len(server.requests) == 1


@pytest.mark.parametrize("text", ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_lets_no_cell_of_an_export_become_a_formula(text: str):
    written = io.StringIO()
    csv.writer(written).writerow([cell(text)])

    (shown,) = next(csv.reader(io.StringIO(written.getvalue(), newline="")))

    assert shown.startswith("'")
    assert shown[1:] == text


@pytest.mark.parametrize("text", ["a\r\nBcc: x@example.org", "a\nX: y", "a\rX: y"])
@pytest.mark.parametrize("place", ["subject", "address", "header"])
def test_puts_no_line_break_into_a_header_of_a_mail(text: str, place: str):
    message = OutboundMessage(address="bob@example.org")
    send = Send(subject="Page", text="Come")
    if place == "subject":
        send = Send(subject=text, text="Come")
    elif place == "address":
        message = OutboundMessage(address=text)
    else:
        send = Send(subject="Page", text="Come", headers={"X-Watchbill-Incident": text})

    with pytest.raises(mail.Unsendable):
        mail.compose(message, send, "watchbill@example.org")


@pytest.fixture
def logged() -> Iterator[Callable[[], list[str]]]:
    """What the product's own logging writes, one text per line."""
    root, written = logging.getLogger(), io.StringIO()
    before, level = root.handlers, root.level
    logs.configure({"level": "INFO"})
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    yield lambda: written.getvalue().splitlines()
    root.handlers = before
    root.setLevel(level)


def test_writes_one_line_of_the_log_per_entry(logged: Any):
    forged = 'x\n{"level": "info", "event": "all is well"}\r\x1b[2J\u2028end'

    structlog.get_logger("a").warning("refused", name=forged)
    logging.getLogger("b").warning("refused %s", forged)

    lines = logged()
    assert len(lines) == 2
    assert [json.loads(line)["level"] for line in lines] == ["warning", "warning"]


def test_keeps_secrets_out_of_the_log(logged: Any):
    structlog.get_logger("a").info(
        "signed in",
        password="hunter2",
        api_token="wb_pat_x1",
        headers={"Authorization": "Bearer wb_pat_x2", "Cookie": "sessionid=x3"},
        url="https://bob:x4@example.org/?token=x5",
    )
    logging.getLogger("b").warning("called with Authorization: Bearer wb_pat_abcdefgh123")

    text = "\n".join(logged())
    assert [each for each in ("hunter2", "x1", "x2", "x3", "x4", "x5") if each in text] == []
    assert "wb_pat_abcdefgh123" not in text
