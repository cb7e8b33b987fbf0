"""A database that the last release made is brought up to date, verifies, and works."""

import datetime
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.urls import reverse

from config import clock
from config.adminkit.base import site
from config.audit.models import LedgerEntry
from config.audit.verify import verify
from config.backup.backing_up import count_rows
from config.backup.restoring import check_file, restore
from config.backup.targets import at
from config.due import jobs
from config.organisation.models import User
from escalation.paging.models import Page, PageState
from incidents.alerts.models import RawPayload
from incidents.lifecycle.models import Incident, Source
from incidents.lifecycle.rules import State
from tests.config import make
from tests.config.due.servers import Mailbox
from tests.harness import databases
from tests.harness.databases import Clone
from tests.survival.fleet import Fleet, fleet_on
from tests.survival.reckoning import Quiet, histories
from tests.survival.storm import post
from tests.survival.upgrade.old_data import Left

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def stored(database: Clone) -> dict[str, int]:
    """Rows by table, of all tables that the installation has now."""
    with psycopg.connect(database.owner_url) as connection:
        return count_rows(connection)


@pytest.fixture
def upgraded(taken_over: Left) -> Left:
    """As docs/operate.md says: migrate, then seed."""
    call_command("seed", verbosity=0)
    return taken_over


@pytest.fixture
def fleet(upgraded: Left, mailbox: Mailbox) -> Iterator[Fleet]:
    """Processes of the present code on what the release left."""
    with fleet_on(upgraded.database, upgraded.var, WATCHBILL_SMTP_URL=mailbox.url) as made:
        yield made


def call(url: str, login: dict[str, str], body: Any) -> dict[str, Any]:
    """POST as somebody whose token the release made."""
    headers = {"Authorization": f"Bearer {login['api_token']}"}
    reply = post(url, json.dumps(body).encode(), **headers)
    assert reply.status == 200, reply.body
    answer: dict[str, Any] = json.loads(reply.body)
    return answer


def test_keeps_every_row(left: Left, taken_over: Left) -> None:
    before, after = stored(left.database), stored(taken_over.database)

    assert sum(before.values()) > 1_000
    assert {table: after[table] for table in before if after[table] < before[table]} == {}


def test_verifies_with_every_old_checkpoint(upgraded: Left) -> None:
    notes = sorted((upgraded.var / "checkpoints").rglob("*"))
    kept = [path.read_text() for path in notes if path.is_file() and "\n\n" in path.read_text()]

    reports = [verify(checkpoint=note) for note in kept]

    assert reports
    assert [report.first_broken for report in reports] == [None] * len(kept)
    assert [problem for report in reports for problem in report.problems] == []
    assert list(histories()) == []


def test_works_on(
    fleet: Fleet,
    upgraded: Left,
    mailbox: Mailbox,
    tmp_path: Path,
    eventually: Callable[..., Any],
    quiet: Quiet,
) -> None:
    logins, token = upgraded.seeded["logins"], upgraded.seeded["ingest"]["generic"]
    service = upgraded.seeded["services"][0]["key"]
    old = Incident.objects.filter(state=State.INVESTIGATING).latest("pk")
    entries = LedgerEntry.objects.count()
    fleet.start_all("one")

    told = call(
        f"{fleet.url}/api/v1/incidents/{old.reference}/acknowledge/", logins["commander"], {}
    )
    alert = {"dedup_key": "after", "title": "After it", "service": service, "level": "critical"}
    assert post(f"{fleet.url}/ingest/generic/{token}", json.dumps(alert).encode()).status == 202
    eventually(lambda: not RawPayload.objects.new().exists(), within=30)
    opened = Incident.objects.latest("pk")
    eventually(lambda: opened.pages.filter(state=PageState.SENT).exists(), within=30)
    quiet(60)
    call(f"{fleet.url}/api/v1/incidents/{opened.reference}/acknowledge/", logins["commander"], {})

    assert told["reference"] == old.reference
    assert User.objects.get(username=logins["commander"]["username"]) in acknowledgers(old)
    assert opened.service is not None
    assert (opened.title, opened.source, opened.service.key) == ("After it", Source.ALERT, service)
    page = Page.objects.filter(incident=opened).latest("pk")
    assert str(page.pk) in [mail["X-Watchbill-Page"] for mail in mailbox.mails]
    assert LedgerEntry.objects.count() > entries
    assert exported(tmp_path / "evidence.zip", old) > 0
    assert verify().ok
    assert list(histories()) == []


def acknowledgers(incident: Incident) -> set[User]:
    """All who said that they had seen it, before the upgrade or after."""
    entries = incident.timeline.filter(event__kind="incident.acknowledged")
    return {entry.event.actor for entry in entries.select_related("event__actor")}


def exported(path: Path, incident: Incident) -> int:
    """Rows in a pack about an incident of the release's time, which verifies."""
    until = clock.now() + datetime.timedelta(hours=1)
    words = ["--from", "2020-01-01", "--to", until.isoformat(), "--incident", incident.reference]
    call_command("audit_export", *words, "--out", str(path), verbosity=0)
    call_command("verify_export", str(path), verbosity=0)
    with zipfile.ZipFile(path) as pack:
        return sum(name.startswith("data/") for name in pack.namelist())


def test_shows_every_list_and_runs_every_job(upgraded: Left) -> None:
    admin = User.objects.get(username=upgraded.seeded["logins"]["admin"]["username"])
    browser = make.browser(admin)

    statuses = {}
    for model in site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        statuses[name] = browser.get(reverse(name)).status_code
    for each in jobs.jobs():
        jobs.run(each.name, clock.now())

    assert {name: status for name, status in statuses.items() if status not in (200, 302)} == {}
    assert list(statuses.values()).count(200) > 20
    assert verify().ok


def test_restores_a_backup_that_the_release_took(taken_over: Left) -> None:
    clone = Clone(f"{taken_over.database.name}_back")
    with databases.server().connect(databases.server().owner) as owner:
        owner.execute(f'CREATE DATABASE "{clone.name}"')
    try:
        manifest = check_file(taken_over.backup)
        result = restore(taken_over.backup, manifest, at(clone.owner_url), tell=lambda text: None)
    finally:
        databases.drop_clone(clone)

    assert result.problems == []
    assert result.report is not None
    assert (result.report.ok, result.lost) == (True, 0)
