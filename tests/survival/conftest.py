"""What the tests of survival share: a small company whose phones ring, and its processes."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.due.models import Channel
from config.organisation.models import User
from incidents.catalog.models import Service
from tests.config.due.servers import Mailbox, mail_server
from tests.escalation import make
from tests.harness import databases
from tests.harness.databases import Clone
from tests.incidents.alerts import make as make_alerts
from tests.survival import own_server
from tests.survival.fleet import Fleet, fleet_on
from tests.survival.own_server import OwnServer
from tests.survival.reckoning import Quiet, is_quiet, still_waiting
from tests.survival.storm import Phone, Responder, Storm

# `make soak` makes the storms larger and different each time.
SOAK = os.environ.get("WATCHBILL_SOAK", "")


@pytest.fixture
def seed() -> int:
    """What chance depends on: the same in the suite, another in each round of a soak."""
    return int(SOAK or 1)


@pytest.fixture
def alerts() -> int:
    """How many alerts a storm has."""
    return 500 if SOAK else 120


@pytest.fixture
def log_files(settings: Any, tmp_path: Path) -> Path:
    """Where the key and the outside checkpoints of this test are."""
    settings.SIGNING_KEY = tmp_path / "keys" / "signing.pem"
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    settings.EXPORT_ROOT = tmp_path / "exports"
    return tmp_path


@pytest.fixture
def server(
    django_db_setup: None, django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OwnServer]:
    """A server of the test's own; the module's `fresh_db` points at its database."""
    if os.environ.get("DATABASE_URL"):
        pytest.skip("stops its server, so it needs an embedded one: unset DATABASE_URL")
    with django_db_blocker.unblock(), own_server.running() as made:
        description = made.describe()
        monkeypatch.setattr(databases, "server", lambda: description)
        yield made


@pytest.fixture
def quiet(eventually: Callable[..., Any]) -> Quiet:
    """`quiet(60)`: wait until everything that is due is done, at most so many seconds."""
    return lambda within: eventually(is_quiet, within=within, but=still_waiting)


@pytest.fixture
def phone() -> Iterator[Phone]:
    """What rings."""
    with Phone().ringing() as ringing:
        yield ringing


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """Where mail arrives."""
    with mail_server() as server:
        yield server


@pytest.fixture
def on_call(bob: User, alice: User, checkout: Service, phone: Phone) -> User:
    """bob, by phone and by mail; alice after him. All incidents of checkout concern them."""
    make.contact(bob, phone.url, channel=Channel.WEBHOOK)
    make.contact(bob, "bob@example.org", position=2)
    make.contact(alice, f"{phone.url}/alice", channel=Channel.WEBHOOK)
    make.policy([make.person_tier(bob, 10), make.person_tier(alice, 10)])
    return bob


@pytest.fixture
def fleet(fresh_db: Clone, log_files: Path, phone: Phone, mailbox: Mailbox) -> Iterator[Fleet]:
    """Processes on `fresh_db`, none of them started yet."""
    allowed = f"127.0.0.1:{phone.port}"
    with fleet_on(
        fresh_db, log_files, WATCHBILL_OUTBOUND_ALLOW=allowed, WATCHBILL_SMTP_URL=mailbox.url
    ) as made:
        yield made


@pytest.fixture
def storm(fleet: Fleet, on_call: User, checkout: Service, alerts: int) -> Storm:
    """Alerts about checkout for the fleet's web process."""
    issued = make_alerts.issued(service=checkout)
    url = f"{fleet.url}/ingest/generic/{issued.token}"
    return Storm(url, total=alerts, keys=alerts // 5, a_second=10)


@pytest.fixture
def responder(fleet: Fleet, phone: Phone) -> Responder:
    """Somebody who answers every second page."""
    made = Responder(fleet.url)
    phone.on_page = made.answer
    return made
