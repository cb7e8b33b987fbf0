"""Every page that people work on, in Chromium: readable, accessible, and as wide as the window."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page

from config import clock
from config.due.worker import run_due
from config.organisation.models import Team, User
from escalation.rota.operations import add_override
from incidents.catalog.models import Service
from incidents.lifecycle import operations
from incidents.lifecycle.models import Incident
from incidents.timeline.operations import add_note
from tests.browser.conftest import SCHEMES, WIDTHS, Opener
from tests.browser.test_admin_shell import sideways, violations
from tests.escalation import make
from tests.incidents import make as make_incidents
from tests.incidents.alerts import make as make_alerts

PAGES = {
    "home": "/admin/",
    "incidents": "/admin/incidents/incident/",
    "incident": "/admin/incidents/incident/{incident}/change/",
    "integrations": "/admin/incidents/ingestsource/",
    "integration": "/admin/incidents/ingestsource/{source}/change/",
    "inbox": "/admin/incidents/rawpayload/",
    "schedules": "/admin/escalation/schedule/",
    "schedule": "/admin/escalation/schedule/{schedule}/change/",
    "escalations": "/admin/escalation/escalationrun/",
    "escalation-policy": "/admin/escalation/escalationpolicyversion/{policy}/change/",
    "reviews": "/admin/postmortems/review/",
    "nothing-found": "/admin/incidents/incident/?q=nosuchword",
    "problems": "/problems/",
    "problem": "/problems/four_eyes",
}
CROWDED = "A title with averylongwordwithoutanyspaceinitthatmustwrapsomewhereonaphone"

pytestmark = pytest.mark.slow


@pytest.fixture
def world(
    fresh_db: Any, checkout: Service, payments: Team, alice: User, bob: User
) -> dict[str, Any]:
    """Something on every page; the keys by name."""
    for person in (alice, bob):
        make.contact(person)
    policy = make.policy([make.person_tier(bob), make.person_tier(alice)])
    schedule = make.schedule(payments, alice, bob, key="payments-primary")
    now = clock.now()
    tomorrow = now + datetime.timedelta(days=1)
    add_override(schedule, user=bob, start=now, end=tomorrow, actor=alice)
    incident = make_incidents.incident(CROWDED, service=checkout, level="critical")
    add_note(incident, actor=alice, text="Zone b answers *slowly*.", kind="observation")
    operations.acknowledge(incident, actor=alice)
    source = make_alerts.source(team=payments, service=checkout)
    make_alerts.received(source, make_alerts.firing("disk", title="Disk full"))
    make_alerts.received(source, b"broken")
    run_due(clock.now())
    return {
        "incident": incident.pk, "source": source.pk, "schedule": schedule.pk, "policy": policy.pk,
    }  # fmt: skip


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_reads_well_on_every_page(
    world: dict[str, Any], root: User, open_page: Opener, width: int, scheme: str
) -> None:
    broken = {}
    for name, path in PAGES.items():
        page = open_page(path.format(**world), as_=root, width=width, scheme=scheme)
        keep(page, f"{name}-{width}-{scheme}")
        found = violations(page)
        if sideways(page):
            found.append("scrolls sideways")
        if found:
            broken[name] = found

    assert broken == {}


def test_offers_acknowledge_on_the_first_screen_of_a_phone(
    fresh_db: Any, checkout: Service, root: User, open_page: Opener
) -> None:
    incident = make_incidents.incident(CROWDED, service=checkout, level="critical")
    page = open_page(f"/admin/incidents/incident/{incident.pk}/change/", as_=root, width=390)

    button = page.get_by_role("button", name="Acknowledge")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    assert box["y"] + box["height"] < 700
    button.click()

    page.get_by_text("Acknowledge: done.").wait_for()
    assert Incident.objects.get().acknowledged_by == root


def test_copies_what_is_there_to_be_copied(
    world: dict[str, Any], root: User, open_page: Opener
) -> None:
    page = open_page(f"/admin/incidents/ingestsource/{world['source']}/change/", as_=root)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    page.get_by_text("Connect ").first.click()
    page.get_by_role("button", name="Copy").first.click()

    page.get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("[data-copyable]").first.inner_text().strip()


def test_draws_as_many_incidents_as_the_visitor_may_see(
    world: dict[str, Any], root: User, mallory: User, open_page: Opener
) -> None:
    seen = {}
    for visitor in (root, mallory):
        page = open_page("/admin/", as_=visitor)
        page.get_by_text("The numbers").click()
        rows = page.locator(".wb-chart tbody tr").all_inner_texts()
        seen[visitor] = (len(rows), sum(int(row.split()[-1]) for row in rows))

    assert seen == {root: (12, Incident.objects.count()), mallory: (12, 0)}


def keep(page: Page, name: str) -> None:
    """A picture for the docs and for whoever reviews the change."""
    folder = Path(settings.VAR) / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", full_page=True)
