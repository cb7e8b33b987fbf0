"""The clock of the whole machine is set an hour forth and back, the database's with it."""

import datetime
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config import clock
from incidents.lifecycle.models import Incident
from tests.harness import databases
from tests.harness.databases import Clone
from tests.survival import own_server
from tests.survival.fleet import Fleet
from tests.survival.own_server import DATABASE, OwnServer
from tests.survival.reckoning import Quiet, faults
from tests.survival.storm import Phone, Responder, Storm

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.peer("faketime")]
HOUR = 3600
SOON = 20.0  # seconds in which a page must be there, whatever the clock says


class Clock:
    """Of the machine: of the server, the web process, the workers and this process."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.set(0)

    def set(self, off: int) -> None:
        """So many seconds off, all at once."""
        self.off = off
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{off:+}")
        fresh.chmod(0o644)
        fresh.replace(self.file)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """Its clock, right at first."""
    right = clock._wall
    with tempfile.TemporaryDirectory(prefix="wb-clock-") as folder:
        Path(folder).chmod(0o755)  # root's server is another user
        made = Clock(Path(folder) / "clock")
        monkeypatch.setattr(clock, "_wall", lambda: right() + datetime.timedelta(seconds=made.off))
        with own_server.clock_of_servers(made.file):
            yield made


@pytest.fixture
def fresh_db(machine: Clock, server: OwnServer) -> Iterator[Clone]:
    """A database on a server that goes by that clock."""
    with databases.pointed_at(DATABASE):
        yield DATABASE


def rang(phone: Phone, title: str) -> bool:
    """Somebody was paged about that."""
    references = set(Incident.objects.filter(title=title).values_list("reference", flat=True))
    return any(arrival.page["incident"] in references for arrival in phone.arrivals)


def test_loses_nothing_and_pages_at_once_when_the_clock_is_set(
    machine: Clock,
    fleet: Fleet,
    storm: Storm,
    phone: Phone,
    responder: Responder,
    eventually: Callable[..., Any],
    quiet: Quiet,
) -> None:
    fleet.environ["WATCHBILL_CLOCK"] = str(machine.file)
    fleet.start_all("one", "two")
    waits = []

    with storm.raging():
        for number, off in enumerate((HOUR, 0, HOUR, 0)):
            machine.set(off)
            time.sleep(2)  # until everybody has seen it
            began = time.monotonic()
            storm.strike_once(f"After step {number}")
            eventually(lambda number=number: rang(phone, f"After step {number}"), within=60)
            waits.append(time.monotonic() - began)
    machine.set(2 * HOUR)  # what was promised for later falls due
    quiet(90)
    responder.finish()
    quiet(30)

    assert max(waits) < SOON
    assert faults(storm, phone, responder, kills=5, steady_clock=False) == []
