"""Providers at their worst, all at once: none of them keeps a good one's messages waiting."""

import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from config import clock
from config.due.models import AttemptOutcome, Channel, OutboundMessage
from config.due.operations import schedule, send_later
from config.organisation.models import User
from tests.config.due.effects import count
from tests.config.due.servers import Mailbox, drip, raw_server, web_server
from tests.survival.fleet import Fleet

pytestmark = pytest.mark.slow


def reset(connection: socket.socket) -> None:
    """Hang up in the middle of the request."""
    connection.recv(10)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def greet_late(connection: socket.socket) -> None:
    """A mail server that thinks before it speaks."""
    time.sleep(1)
    connection.sendall(b"220 late\r\n")
    with connection.makefile("rb") as lines:
        in_text = False
        for line in lines:
            if in_text and line != b".\r\n":
                continue
            in_text = line.lower() == b"data\r\n"
            connection.sendall(b"354 go on\r\n" if in_text else b"250 OK\r\n")


def outcomes(message: OutboundMessage) -> list[str]:
    return list(message.tries.order_by("pk").values_list("outcome", flat=True))


def test_no_bad_provider_keeps_a_good_one_waiting(
    fleet: Fleet, mailbox: Mailbox, eventually: Callable[..., Any]
) -> None:
    root = User.objects.system()
    held = threading.Event()
    with (
        web_server() as good,
        web_server(status=500) as broken,
        web_server(status=429, headers={"Retry-After": "300"}) as busy,
        web_server(body=b'{"ok": false, "error": "no such channel"}') as polite,
        web_server(hold=held) as silent,
        raw_server(reset) as resetting,
        raw_server(drip) as dripping,
        raw_server(greet_late) as late,
    ):
        ports = [good.port, broken.port, busy.port, polite.port, silent.port, resetting, dripping]
        bad = {
            port: send_later(
                "test.message",
                root,
                channel=Channel.WEBHOOK,
                address=f"http://127.0.0.1:{port}/",
                data_for=port,
            )
            for port in ports[1:]
        }
        mail = send_later("test.message", root, channel=Channel.MAIL, address="bob@example.org")
        schedule("test.fail", root, clock.now(), key="bad row")
        fleet.start(
            "one",
            module="tests.concurrency.worker_process",
            WATCHBILL_OUTBOUND_ALLOW=",".join(f"127.0.0.1:{port}" for port in ports),
            WATCHBILL_SMTP_URL=f"smtp://127.0.0.1:{late}",
            WATCHBILL_LEASE_SECONDS="60",
        )
        fleet.wait_for_worker("one")
        eventually(lambda: silent.requests)
        for number in range(20):
            send_later("test.message", root, channel=Channel.WEBHOOK, address=good.url)
            schedule("test.bump", root, clock.now(), key=f"good {number}")

        eventually(lambda: len(good.requests) == 20, within=10)
        eventually(lambda: all(count(f"good {number}") == 1 for number in range(20)))
        eventually(lambda: outcomes(bad[resetting]))
        eventually(lambda: outcomes(mail))
        eventually(lambda: len(outcomes(bad[broken.port])) == 3)
        eventually(lambda: outcomes(bad[busy.port]))
        held.set()

    for message in (*bad.values(), mail):
        message.refresh_from_db()
    # Its status says that it took the message; what else it says is kept for a person to read.
    assert outcomes(bad[polite.port]) == [AttemptOutcome.SENT]
    assert "no such channel" in bad[polite.port].tries.get().answer
    assert (outcomes(mail), mail.is_open) == ([AttemptOutcome.SENT], False)
    assert outcomes(bad[resetting])[0] == AttemptOutcome.FAILED
    assert set(outcomes(bad[broken.port])) == {AttemptOutcome.FAILED}
    assert outcomes(bad[busy.port]) == [AttemptOutcome.FAILED]
    assert (bad[busy.port].next_at - clock.now()).total_seconds() > 200
