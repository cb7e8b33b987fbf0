"""The page link in Chromium: a phone at night, light and dark."""

from typing import Any

import pytest

from config import clock
from config.due.worker import run_due
from config.organisation.models import User
from escalation.paging.links import token_of
from escalation.paging.models import Page
from escalation.runs.models import EscalationRun
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import edit
from tests.browser.conftest import Opener
from tests.browser.keys import press
from tests.browser.looking import WIDTHS, look_at
from tests.config import make as people
from tests.escalation import make
from tests.incidents import make as make_incidents

pytestmark = pytest.mark.slow


@pytest.fixture
def asked(fresh_db: Any, checkout: Service, alice: User, bob: User) -> Page:
    """bob's page, sent a moment ago; alice is next."""
    checkout.runbook_url = "https://runbooks.example.org/checkout/latency"
    checkout.save_as(people.system(), "runbook_url")
    for person in (bob, alice):
        make.contact(person)
    make.policy([make.person_tier(bob), make.person_tier(alice)])
    title = "Checkout answers in 9 s at p95 and averylongwordwithoutanyspaceinitthatmustwrap"
    make_incidents.incident(title, service=checkout, level="critical")
    run_due(clock.now())
    return Page.objects.get()


@pytest.mark.parametrize("width", WIDTHS)
def test_acknowledges_by_keyboard_at_every_width(
    asked: Page, open_page: Opener, bob: User, width: int
) -> None:
    tab = open_page(f"/r/{token_of(asked.pk)}", width=width)
    broken = look_at(tab, "page-link", widths=[width])

    press(tab, "Acknowledge")
    tab.wait_for_selector("[role=status]")

    broken += look_at(tab, "page-link-done", widths=[width])
    assert broken == []
    assert tab.get_by_role("button").count() == 0
    assert Incident.objects.get().acknowledged_by == bob
    assert EscalationRun.objects.get().state == "acknowledged"
    assert tab.context.cookies() == []


def test_acknowledges_with_one_tap_on_the_smallest_phone(asked: Page, open_page: Opener) -> None:
    tab = open_page(f"/r/{token_of(asked.pk)}", width=320)

    button = tab.get_by_role("button", name="Acknowledge")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    assert box["width"] >= 320 * 0.8
    assert box["y"] + box["height"] < 568
    button.click()

    tab.wait_for_selector("[role=status]")


def test_is_readable_where_the_incident_is_restricted(
    asked: Page, open_page: Opener, alice: User
) -> None:
    edit(Incident.objects.get(), actor=alice, changes={"is_restricted": True})

    restricted = open_page(f"/r/{token_of(asked.pk)}", width=320)

    assert look_at(restricted, "page-link-restricted", widths=(390, 320)) == []
    assert "Checkout" not in restricted.content()


def test_needs_no_script_and_weighs_little(asked: Page, browser: Any, live_site: str) -> None:
    tab = browser.new_context(java_script_enabled=False).new_page()
    weights: list[int] = []
    tab.on("response", lambda answer: weights.append(len(answer.body())))

    tab.goto(f"{live_site}/r/{token_of(asked.pk)}")
    tab.get_by_role("button", name="Acknowledge").click()

    assert tab.locator("[role=status]").inner_text().startswith("You acknowledged just now")
    assert sum(weights[:2]) < 30_000
