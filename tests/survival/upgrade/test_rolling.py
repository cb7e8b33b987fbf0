"""Workers of two versions on one database, as while an upgrade goes from node to node."""

import datetime
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from config import clock
from config.due.models import Channel, OutboundMessage, Timer
from config.due.operations import schedule, send_later
from config.events.models import EventDelivery
from config.organisation.models import User
from tests.config.due.effects import count
from tests.config.due.servers import web_server
from tests.harness.databases import Clone
from tests.survival.fleet import WEB, Fleet
from tests.survival.reckoning import Quiet, faults, is_quiet
from tests.survival.storm import Phone, Responder, Storm
from tests.survival.upgrade.later_effects import KIND
from tests.survival.upgrade.old_code import OldCode

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
MANY = 100
ALREADY_KNOWN = "tests.concurrency.worker_process"
KNOWS_MORE = "tests.survival.upgrade.later_worker"


@pytest.fixture
def fresh_db(migrated: Clone) -> Clone:
    """The last release's database, migrated: what both versions work on."""
    return migrated


@pytest.fixture
def alerts() -> int:
    """A storm of so many, each an incident and a page."""
    return MANY


@pytest.fixture
def storm(storm: Storm) -> Storm:
    """All at about the same time, so that both workers have their hands full."""
    storm.keys, storm.pause = MANY, 0.2
    return storm


def sent_by(fleet: Fleet, name: str) -> int:
    """How many attempts to send a worker wrote into its log."""
    return len(re.findall("attempt to send", fleet.log_of(name, last=10_000_000)))


def test_lose_and_double_no_page(
    fleet: Fleet,
    old: OldCode,
    storm: Storm,
    phone: Phone,
    responder: Responder,
    eventually: Callable[..., Any],
    quiet: Quiet,
) -> None:
    release: dict[str, Any] = {"tree": old.tree, "python": old.python}
    fleet.start(WEB, **release)
    fleet.start("old", **release)
    fleet.start("new")
    fleet.wait_for_web()
    fleet.wait_for_worker("old")
    fleet.wait_for_worker("new")

    with storm.raging():
        eventually(lambda: len(storm.accepted) > MANY // 2, within=30)
        fleet.stop(WEB)  # the socket stays open, as behind a load balancer
        fleet.start(WEB)
    quiet(60)
    responder.finish()
    fleet.stop("old")  # the last node is upgraded: what it parked is done by the other
    eventually(lambda: is_quiet() and not EventDelivery.objects.dead().exists(), within=60)

    assert len(storm.accepted) >= MANY
    assert faults(storm, phone, responder, kills=0) == []
    assert sent_by(fleet, "old") > 0
    assert sent_by(fleet, "new") > 0


def promise(number: int, address: str, kind: str, message: str) -> OutboundMessage:
    """A timer and a message that fall due in two seconds."""
    root, moment = User.objects.system(), clock.now() + datetime.timedelta(seconds=2)
    schedule(kind, root, moment, key=f"{kind} {number}")
    return send_later(message, root, channel=Channel.WEBHOOK, address=address, due_at=moment)


def test_do_what_falls_due_at_one_instant_once(
    fleet: Fleet, old: OldCode, eventually: Callable[..., Any]
) -> None:
    with web_server() as web:
        allowed = {"WATCHBILL_OUTBOUND_ALLOW": f"127.0.0.1:{web.port}"}
        release: dict[str, Any] = {"tree": old.tree, "python": old.python}
        fleet.start("old", module=ALREADY_KNOWN, **release, **allowed)
        later = [promise(n, web.url, KIND, KIND) for n in range(10)]
        eventually(lambda: OutboundMessage.objects.dead().count() == 10, within=30)
        fleet.start("new", module=KNOWS_MORE, **allowed)
        fleet.wait_for_worker("new")

        with transaction.atomic():
            known = [promise(n, web.url, "test.bump", "test.message") for n in range(MANY)]
        eventually(lambda: all(is_done(row) for row in known), within=30)
        fleet.stop("old")  # the last node is upgraded: nobody parks any more
        eventually(lambda: all(is_done(row) for row in later), within=60)
        eventually(lambda: not Timer.objects.filter(done_at=None).exists(), within=60)

    times = Counter(headers["Idempotency-Key"] for _, headers, _ in web.requests)
    assert times == {str(message.pk): 1 for message in [*known, *later]}
    assert [count(f"test.bump {number}") for number in range(MANY)] == [1] * MANY
    assert [count(f"{KIND} {number}") for number in range(10)] == [1] * 10
    assert sent_by(fleet, "old") > 0
    assert sent_by(fleet, "new") > 0


def is_done(message: OutboundMessage) -> bool:
    message.refresh_from_db()
    return message.done_at is not None


def test_leave_nothing_open_when_they_end(
    fleet: Fleet, old: OldCode, eventually: Callable[..., Any]
) -> None:
    """What the old one had claimed and not begun goes to the new one at once, not after a lease."""
    fleet.environ["WATCHBILL_LEASE_SECONDS"] = "120"
    fleet.start("old", module=ALREADY_KNOWN, tree=old.tree, python=old.python)
    fleet.wait_for_worker("old")
    root = User.objects.system()
    for number in range(30):
        schedule("test.nap", root, clock.now(), key=f"nap {number}", seconds=0.3)
    eventually(lambda: Timer.objects.open().filter(token__isnull=False).exists())

    fleet.start("new", module=KNOWS_MORE)
    fleet.stop("old")

    eventually(lambda: not Timer.objects.open().exists(), within=30)
    assert [count(f"nap {number}") for number in range(30)] == [1] * 30
