"""The shell of the admin in Chromium: accessible, within its CSP, at two widths, light and dark."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from config.organisation import operations
from config.organisation.models import Team, User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from tests.browser.conftest import SCHEMES, WIDTHS, Opener
from tests.config import make
from tests.incidents import make as make_incidents

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PAGES = {
    "login": "/accounts/login/",
    "home": "/admin/",
    "list": "/admin/config/user/",
    "form": "/admin/config/team/{team}/change/",
    "people": "/admin/config/user/{user}/change/",
    "verb": "/admin/config/user/{user}/do/deactivate/",
    "add": "/admin/config/roleassignment/add/",
    "history": "/admin/config/team/{team}/history/",
    "events": "/admin/config/event/",
    "incidents": "/admin/incidents/incident/",
    "incident": "/admin/incidents/incident/{incident}/change/",
    "resolve": "/admin/incidents/incident/{incident}/do/resolve/",
}

pytestmark = pytest.mark.slow


@pytest.fixture
def incident(edited: Team, checkout: Service) -> Incident:
    return make_incidents.incident("Card payments fail in Europe", service=checkout)


@pytest.fixture
def edited(fresh_db: Any, payments: Team, bob: User, root: User) -> Team:
    operations.edit_team(payments, changes={"name": "Payments and refunds"}, actor=root)
    return payments


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_is_accessible_on_every_key_page(
    edited: Team,
    incident: Incident,
    root: User,
    bob: User,
    open_page: Opener,
    shoot: Callable[[Page, str], None],
    width: int,
    scheme: str,
):
    broken = {}
    for name, path in PAGES.items():
        visitor = None if name == "login" else root
        address = path.format(team=edited.pk, user=bob.pk, incident=incident.pk)
        page = open_page(address, as_=visitor, width=width, scheme=scheme)
        shoot(page, f"{name}-{width}-{scheme}")
        found = violations(page)
        if sideways(page):
            found.append("scrolls sideways")
        if found:
            broken[name] = found

    assert broken == {}


def test_signs_in_without_scripts(fresh_db: Any, browser: Any, live_site: str):
    make.superuser("captain", password="correct horse battery")
    page = browser.new_context(java_script_enabled=False).new_page()

    page.goto(live_site + "/admin/")
    page.get_by_label("User name").fill("captain")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()

    assert page.url == live_site + "/admin/"
    assert page.get_by_text("How it works").count() == 1


def test_finds_people_with_the_palette(
    edited: Team, root: User, bob: User, open_page: Opener, shoot: Callable[[Page, str], None]
):
    page = open_page("/admin/", as_=root)

    page.keyboard.press("Control+k")
    page.locator("#search-input-command").press_sequentially("bob")
    page.wait_for_selector("#command-results-list a")
    shoot(page, "palette")

    assert "Bob Berg" in page.locator("#command-results-list").inner_text()


def test_shows_every_field_of_a_dialog(edited: Team, root: User, bob: User, open_page: Opener):
    page = open_page(f"/admin/config/user/{bob.pk}/do/deactivate/", as_=root)

    boxes = [field.bounding_box() for field in page.locator("#content textarea").all()]

    assert [bool(box and box["width"] > 100 and box["height"] > 20) for box in boxes] == [True]


def test_asks_for_a_reason_where_rows_are_chosen(
    edited: Team, root: User, bob: User, open_page: Opener, shoot: Callable[[Page, str], None]
):
    page = open_page("/admin/config/user/", as_=root)

    page.locator("input.action-select").first.check()
    page.get_by_label("Select action to run").select_option("deactivate")
    reason = page.get_by_label("Reason")
    reason.fill("Reorganised")
    shoot(page, "bulk")
    found = violations(page)
    page.get_by_role("button", name="Run").click()

    page.get_by_text("You can't deactivate yourself").wait_for()
    assert found == []


def violations(page: Page) -> list[str]:
    """What axe finds, with the first element of each."""
    options = {"runOnly": {"type": "tag", "values": TAGS}}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:160]}" for each in found]


def sideways(page: Page) -> bool:
    """Whether the page is wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))
