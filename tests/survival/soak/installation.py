"""What a soak runs on: a server as in production, processes that are killed and two that never are.

`steady` processes live from the first minute to the last, so that growth shows; everything else
is killed, stopped and set wrong by `troubles`.
"""

import os
import random
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.db import connections
from django.test import override_settings
from django_q.models import Schedule

from config import clock
from config.access.rules import Role
from config.due.models import Channel
from config.organisation.models import User
from incidents.catalog.models import Service
from tests.config import make
from tests.config.due.servers import mail_server
from tests.escalation import make as make_escalation
from tests.harness import databases
from tests.harness.databases import ROOT
from tests.incidents import make as make_incidents
from tests.incidents.alerts import make as make_alerts
from tests.survival import own_server
from tests.survival.fleet import JOBS, Fleet, fleet_on
from tests.survival.own_server import DATABASE, OwnServer
from tests.survival.storm import Phone, Responder

FOLDER = ROOT / "var" / "soak"
STEADY = ("web-steady", "worker-steady")
VICTIMS = ("web", "one", "two", JOBS)
SKEWED = "two"  # the machine whose clock is set


@dataclass
class Installation:
    """Everything that the rounds use."""

    server: OwnServer
    fleet: Fleet
    phone: Phone
    responder: Responder
    chance: random.Random
    people: dict[str, User]
    service: Service
    ingest: str
    clock: Path
    faults: dict[str, str] = field(default_factory=dict)

    def start_missing(self) -> None:
        """As a supervisor does. A steady process that died is a failure of the soak."""
        for name in (*STEADY, *VICTIMS):
            if name in self.fleet.running and self.fleet.has_died(name) and name in STEADY:
                raise AssertionError(f"{name} died:\n{self.fleet.log_of(name)}")
            if name not in self.fleet.running:
                environ = {"WATCHBILL_CLOCK": str(self.clock)} if name == SKEWED else {}
                self.fleet.start(name, fault=self.faults.pop(name, ""), **environ)

    def kill(self, *victims: str) -> None:
        """Those of them that run, all at once."""
        self.fleet.kill(*(name for name in victims if name in self.fleet.running))

    def kill_server(self) -> None:
        """The database crashes, and comes back."""
        self.server.kill()
        self.fleet.kills += 1
        self.server.start()
        connections.close_all()


@contextmanager
def installed(seed: int) -> Iterator[Installation]:
    """A new installation in var/soak, where logs and keys stay when it is over."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    places = {
        "VAR": FOLDER,
        "SIGNING_KEY": FOLDER / "keys" / "signing.pem",
        "CHECKPOINT_DIR": FOLDER / "checkpoints",
        "EXPORT_ROOT": FOLDER / "exports",
    }
    with ExitStack() as stack:
        stack.enter_context(override_settings(**places))
        server = stack.enter_context(own_server.running(flags=()))
        stack.enter_context(_served_by(server))
        phone = stack.enter_context(Phone().ringing())
        mailbox = stack.enter_context(mail_server())
        fleet = stack.enter_context(
            fleet_on(
                DATABASE,
                FOLDER,
                WATCHBILL_OUTBOUND_ALLOW=f"127.0.0.1:{phone.port}",
                WATCHBILL_SMTP_URL=mailbox.url,
                WATCHBILL_LOG_LEVEL="WARNING",
            )
        )
        yield _begin(server, fleet, phone, random.Random(seed))


@contextmanager
def _served_by(server: OwnServer) -> Iterator[None]:
    """The harness and this process speak to that server."""
    description, ordinary = server.describe(), databases.server
    databases.server = lambda: description  # type: ignore[assignment]  # for the length of a soak
    try:
        with databases.pointed_at(DATABASE):
            yield
    finally:
        databases.server = ordinary


def _begin(server: OwnServer, fleet: Fleet, phone: Phone, chance: random.Random) -> Installation:
    people = _people()
    service = _service(people, phone)
    responder = Responder(fleet.url)
    phone.on_page = responder.answer
    token = make_alerts.issued(service=service).token
    made = Installation(
        server=server,
        fleet=fleet,
        phone=phone,
        responder=responder,
        chance=chance,
        people=people,
        service=service,
        ingest=f"{fleet.url}/ingest/generic/{token}",
        clock=FOLDER / "clock",
    )
    made.clock.write_text("+0")
    made.start_missing()
    fleet.wait_for_web()
    fleet.wait_for_worker("worker-steady")
    Schedule.objects.update(next_run=clock.now())  # every job runs at least once
    return made


def _people() -> dict[str, User]:
    unit = make.unit("retail", name="Retail")
    team = make.team("payments", unit=unit, name="Payments")
    found = {name: make.user(name) for name in ("alice", "bob", "carol", "lena")}
    for name in ("alice", "bob"):
        make.join(team, found[name])
    make.role(Role.INCIDENT_COMMANDER, to=found["alice"], on=team)
    make.role(Role.ENGINEER, to=found["bob"], on=team)
    make.role(Role.AUDITOR, to=found["carol"])
    make.role(Role.COMPLIANCE_OFFICER, to=found["lena"])
    return found


def _service(people: dict[str, User], phone: Phone) -> Service:
    """bob is on call, by phone and by mail; alice after him."""
    team = people["bob"].memberships.get().team
    service = make_incidents.service("checkout", team=team, tier=1, name="Checkout")
    make_escalation.contact(people["bob"], phone.url, channel=Channel.WEBHOOK)
    make_escalation.contact(people["bob"], "bob@example.org", position=2)
    make_escalation.contact(people["alice"], f"{phone.url}/alice", channel=Channel.WEBHOOK)
    tiers = [make_escalation.person_tier(people[name], 10) for name in ("bob", "alice")]
    make_escalation.policy(tiers)
    return service


def processes(installation: Installation) -> dict[str, int]:
    """The process ids by name, of those that run."""
    found = {name: each.pid for name, each in installation.fleet.running.items()}
    return {**found, "harness": os.getpid()}
