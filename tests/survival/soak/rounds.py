"""One round: a storm with troubles, then quiet, the reckoning, and the end of its incidents."""

import datetime
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connections

from compliance.evidence.models import Export
from compliance.evidence.operations import order_export
from config import clock
from config.audit.models import Checkpoint
from config.due import jobs
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import investigate, resolve
from incidents.lifecycle.rules import State
from tests.compliance import make as make_evidence
from tests.config import make
from tests.harness.databases import ROOT
from tests.survival.reckoning import evidence, harm, is_quiet, rows
from tests.survival.soak.installation import FOLDER, Installation
from tests.survival.soak.troubles import TROUBLES
from tests.survival.soak.watch import wait_until
from tests.survival.storm import Reply, Storm, fetch

ALERTS_A_SECOND = 8
REPEATS = 5  # alerts of one incident
STALLED = datetime.timedelta(minutes=20)
ADDRESSES = ("/api/v1/incidents/?page_size=50", "/api/v1/alerts/", "/api/v1/pages/", "/healthz")


@dataclass
class Round:
    """What one round did and found."""

    number: int
    seconds: float = 0.0
    alerts: int = 0
    kills: int = 0
    pages: int = 0
    entries: int = 0
    troubles: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def play(installation: Installation, number: int, seconds: float) -> Round:
    """All of it; what is wrong is in `faults`."""
    done, began = Round(number), time.monotonic()
    storm = _storm(installation, number, seconds)
    before = installation.fleet.kills
    with storm.raging(), _readers(installation) as replies:
        _trouble(installation, done, began + seconds)
    installation.clock.write_text("+0")
    installation.start_missing()
    _settle(installation)
    done.alerts, done.kills = len(storm.accepted), installation.fleet.kills - before
    done.pages = len(installation.phone.arrivals) - installation.phone.reckoned
    done.faults += harm(storm, installation.phone, installation.responder, done.kills)
    done.faults += [f"unclear answer to a reader: {reply}" for reply in replies]
    _end_incidents(installation)
    done.faults += [*rows(), *evidence()]
    done.entries = _verify(installation, done.faults)
    installation.phone.reckoned = len(installation.phone.arrivals)
    done.seconds = time.monotonic() - began
    return done


def _storm(installation: Installation, number: int, seconds: float) -> Storm:
    total = int(seconds * ALERTS_A_SECOND)
    storm = Storm(
        installation.ingest,
        total=total,
        keys=max(total // REPEATS, 1),
        a_second=ALERTS_A_SECOND,
        name=f"round-{number}",
    )
    storm.others = Incident.objects.count()
    return storm


def _trouble(installation: Installation, done: Round, end: float) -> None:
    """One after the other, with a while in between in which everything works."""
    order_export(
        make_evidence.approved(installation.people["carol"], by=installation.people["lena"]),
        actor=installation.people["carol"],
    )
    while time.monotonic() < end:
        for strike in installation.chance.sample(TROUBLES, len(TROUBLES)):
            installation.start_missing()
            time.sleep(installation.chance.uniform(2.0, 4.0))
            if time.monotonic() > end:
                break
            strike(installation)
            connections.close_all()
            done.troubles.append(strike.__name__)


@contextmanager
def _readers(installation: Installation) -> Iterator[list[Reply]]:
    """Somebody reads meanwhile; yields the answers that said nothing clear."""
    over, unclear = threading.Event(), list[Reply]()
    token = make.token(installation.people["alice"])

    def read() -> None:
        while not over.wait(0.5):
            for address in ADDRESSES:
                url = f"{installation.fleet.url}{address}"
                reply = fetch(url, Authorization=f"Bearer {token}")
                if not reply.is_clear:
                    unclear.append(reply)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield unclear
    finally:
        over.set()
        thread.join(30)


def _settle(installation: Installation) -> None:
    wait_until(is_quiet, 180, "everything that is due is done")
    installation.responder.finish()
    wait_until(is_quiet, 60, "everything that is due is done")


def _end_incidents(installation: Installation) -> None:
    """Somebody resolves them all, and the export that was ordered is there in the end."""
    alice = installation.people["alice"]
    for incident in Incident.objects.exclude(state__in=(State.RESOLVED, State.CLOSED)):
        investigate(incident, actor=alice, note="A shelf was full.")
        resolve(incident, actor=alice, note="It was emptied.")
    jobs.run("resume_exports", clock.now() + STALLED)
    wait_until(lambda: not Export.objects.under_way().exists(), 90, "exports are made")
    wait_until(is_quiet, 120, "everything that is due is done")


def _verify(installation: Installation, faults: list[str]) -> int:
    """By the command, against the checkpoint of the round before; how many entries it read."""
    known = FOLDER / "checkpoint.txt"
    words = ["--checkpoint", str(known)] if known.exists() else []
    said = subprocess.run(
        [sys.executable, "manage.py", "audit_verify", "--json", *words],
        cwd=ROOT,
        env=installation.fleet.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if said.returncode != 0:
        faults.append(f"audit_verify ended with {said.returncode}: {said.stdout} {said.stderr}")
        return 0
    known.write_text(Checkpoint.objects.latest("pk").note)
    answer: dict[str, Any] = json.loads(said.stdout)
    return int(answer["entries"])
