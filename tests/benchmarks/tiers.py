"""Real tiers that fall due at 50 a second, while 500 alerts come in and are worked through.

The web process and the worker are those that `manage.py up` starts; phone and mail server are
real ones on loopback. A tier is decided when its record says so, and a page has arrived when the
other side has read it.
"""

import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from config.due.models import Channel, OutboundMessage, Timer, WorkerHeartbeat
from config.organisation.models import Team
from escalation.paging.models import Page
from escalation.policies.models import Target
from escalation.runs.models import EscalationRecord, RecordKind
from escalation.runs.operations import TIER
from incidents.alerts.models import Adapter, Alert, RawPayload
from incidents.lifecycle.models import Incident
from tests.benchmarks.measuring import Figure, percentile, scratch, settle
from tests.config import make
from tests.config.due.servers import Mailbox, mail_server
from tests.escalation import make as make_escalation
from tests.harness import processes
from tests.harness.databases import ROOT, Clone
from tests.incidents import make as make_incidents
from tests.incidents.alerts import make as make_alerts
from tests.survival.storm import Phone, alert, post

RATE, OVER = 50, 20
TEAMS = 10
ALERTS, KEYS = 500, 100
LEAD = timedelta(seconds=3)
PATIENCE = 180.0
SPREAD = f"""
    UPDATE {Timer._meta.db_table} AS t SET due_at = wanted.due, next_at = wanted.due
    FROM (
        SELECT id, now() + %s + row_number() OVER (ORDER BY id) * interval '1 second' / %s AS due
        FROM {Timer._meta.db_table} WHERE kind = %s AND done_at IS NULL
    ) AS wanted
    WHERE t.id = wanted.id
"""


def figures() -> Iterator[Figure]:
    """Lateness of decisions and of what arrives, in milliseconds."""
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    with (
        scratch() as clone,
        tempfile.TemporaryDirectory() as folder,
        Phone().ringing() as phone,
        mail_server() as box,
    ):
        due = _incidents(phone)
        _spread(timedelta(hours=1))  # a worker that starts mustn't find them due
        settle()
        with _installation(clone, Path(folder), phone, box) as url:
            door = _door(url)
            _spread(LEAD)
            _post_alerts(door)
            _wait_for(lambda: not _waiting())
        _check(due)
        decided, arrived = _decisions(due), _arrivals(due, phone, box)
    for share in (0.5, 0.99):
        name = f"p{share * 100:.0f}"
        yield Figure(
            f"tiers at 50/s, decision minus due, {name}", percentile(decided, share), "ms", 250.0
        )
        yield Figure(
            f"tiers at 50/s, received minus due, {name}", percentile(arrived, share), "ms", 1000.0
        )


def _incidents(phone: Phone) -> set[int]:
    """Incidents of teams whose people are on call by a schedule; the timers of tier 1 wait."""
    teams = [_team(phone, by_mail=bool(number % 2)) for number in range(TEAMS)]
    services = [make_incidents.service(team=team) for team in teams]
    make_incidents.service("checkout", team=teams[0])
    tiers = [Target.TEAM_ON_CALL, Target.TEAM_LEADS]
    make_escalation.policy([{"target": target, "wait_minutes": 10} for target in tiers])
    made = (make_incidents.incident(service=services[n % TEAMS]) for n in range(RATE * OVER))
    return {incident.pk for incident in made}


def _team(phone: Phone, *, by_mail: bool) -> Team:
    team, people = make.team(), [make.user(), make.user()]
    for person in people:
        make.join(team, person)
        if by_mail:
            make_escalation.contact(person)
        else:
            make_escalation.contact(person, phone.url, channel=Channel.WEBHOOK)
    make_escalation.schedule(team, *people)
    return team


def _spread(lead: timedelta) -> None:
    """Let the tiers that wait fall due one after the other, the first of them so long from now."""
    values: list[Any] = [lead, RATE, TIER]
    with connection.cursor() as cursor:
        cursor.execute(SPREAD, values)


def _door(url: str) -> str:
    issued = make_alerts.issued(Adapter.GENERIC, rate_per_minute=1_000_000)
    return f"{url}/ingest/generic/{issued.token}"


def _post_alerts(door: str) -> None:
    """One after the other, over the whole time."""
    began = time.monotonic()
    for number in range(ALERTS):
        time.sleep(max(began + number * OVER / ALERTS - time.monotonic(), 0.0))
        reply = post(door, json.dumps(alert(number, KEYS)).encode())
        if reply.status != 202:
            raise RuntimeError(f"an alert was answered {reply.status}")


@contextmanager
def _installation(clone: Clone, folder: Path, phone: Phone, box: Mailbox) -> Iterator[str]:
    """The web process and the worker, ready."""
    outside = {
        "WATCHBILL_SMTP_URL": box.url,
        "WATCHBILL_OUTBOUND_ALLOW": f"127.0.0.1:{phone.port}",
    }
    with processes.web(clone, folder) as url, (folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "manage.py", "worker"],
            cwd=ROOT,
            env=processes.environment(clone, folder) | outside,
            stdout=log,
            stderr=log,
        )
        try:
            _wait_for(WorkerHeartbeat.objects.exists)
            yield url
        finally:
            worker.terminate()
            worker.wait(15)


def _waiting() -> bool:
    """Whether something is still to be done that is due."""
    rows = (Timer.objects.open().filter(kind=TIER), OutboundMessage.objects.open())
    soon = Now() + LEAD
    return any(each.filter(due_at__lte=soon).exists() for each in rows) or bool(
        RawPayload.objects.new().exists()
    )


def _check(due: set[int]) -> None:
    """All was decided and sent, once."""
    counted = sum(Alert.objects.values_list("count", flat=True))
    if counted != ALERTS:
        raise RuntimeError(f"{counted} alerts were counted")
    if Incident.objects.count() != len(due) + KEYS:
        raise RuntimeError(f"{Incident.objects.count()} incidents")
    sent = OutboundMessage.objects.filter(outcome="sent", attempts=1).count()
    if sent != len(due) + KEYS:
        raise RuntimeError(f"{sent} pages were sent at the first attempt")


def _decisions(due: set[int]) -> list[float]:
    rows = EscalationRecord.objects.filter(kind=RecordKind.PAGED, run__incident__in=due)
    return [_milliseconds(row.at.timestamp(), row) for row in rows]


def _arrivals(due: set[int], phone: Phone, box: Mailbox) -> list[float]:
    at = {arrival.key: arrival.at for arrival in phone.arrivals}
    headers = (str(mail["X-Watchbill-Page"]) for mail in box.mails)
    at |= dict(zip(headers, box.times, strict=True))
    pages = Page.objects.filter(incident__in=due)
    return [_milliseconds(at[str(page.pk)], page) for page in pages]


def _milliseconds(at: float, row: EscalationRecord | Page) -> float:
    return (at - row.due_at.timestamp()) * 1000 if row.due_at else 0.0


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {PATIENCE} s")
        time.sleep(0.5)
