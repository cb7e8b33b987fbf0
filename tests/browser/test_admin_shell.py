"""The shell of the admin in Chromium: signing in, the palette, the menu, the sheet of keys."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from config.organisation.models import User
from config.workspace.operations import set_preferences
from tests.browser.conftest import Opener
from tests.browser.keys import press, stop, tab_to
from tests.browser.looking import WIDTHS, keep, look_at
from tests.config import make

pytestmark = pytest.mark.slow
SHEET = "#wb-keys"
IN_MENU = "document.activeElement.closest('#nav-sidebar')"


def is_open(page: Page, selector: str) -> bool:
    return page.locator(selector).is_visible()


def test_signs_in_without_scripts(fresh_db: Any, browser: Browser, live_site: str) -> None:
    make.superuser("captain", password="correct horse battery")
    page = browser.new_context(java_script_enabled=False).new_page()

    page.goto(live_site + "/admin/")
    page.get_by_label("User name").fill("captain")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()

    assert page.url == live_site + "/admin/"
    assert page.get_by_text("How it works").count() == 1
    page.context.close()


def test_finds_people_with_the_palette(
    fresh_db: Any, root: User, bob: User, open_page: Opener
) -> None:
    page = open_page("/admin/", as_=root)

    page.keyboard.press("Control+k")
    page.locator("#search-input-command").press_sequentially("bob")
    page.wait_for_selector("#command-results-list a")
    keep(page, "palette-1400-light")

    assert "Bob Berg" in page.locator("#command-results-list").inner_text()


def test_shows_every_field_of_a_form(
    fresh_db: Any, root: User, bob: User, open_page: Opener
) -> None:
    page = open_page(f"/admin/config/user/{bob.pk}/do/deactivate/", as_=root)

    boxes = [field.bounding_box() for field in page.locator("#content textarea").all()]

    assert [bool(box and box["width"] > 100 and box["height"] > 20) for box in boxes] == [True]


@pytest.mark.parametrize("width", WIDTHS)
def test_goes_through_the_menu_by_keyboard(
    fresh_db: Any, root: User, open_page: Opener, width: int
) -> None:
    page = open_page("/admin/", as_=root, width=width)

    if width <= 1280:
        press(page, "Menu", menu=True)
        page.wait_for_function(IN_MENU, polling=50)
        page.keyboard.press("Escape")
        assert stop(page).name == "Menu"
        page.keyboard.press("Enter")
        page.wait_for_function(IN_MENU, polling=50)
    press(page, "Unassigned", menu=True)

    page.wait_for_url("**/incident/?attention=unacknowledged")


def test_reaches_the_account_by_keyboard(fresh_db: Any, root: User, open_page: Opener) -> None:
    page = open_page("/admin/", as_=root)

    press(page, "Root", menu=True)
    tab_to(page, "Dark", back=True)
    page.keyboard.press("Enter")

    assert "dark" in (page.locator("html").get_attribute("class") or "")
    tab_to(page, "My preferences", menu=True)
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/preferences/")


def test_skips_the_menu(fresh_db: Any, root: User, open_page: Opener) -> None:
    page = open_page("/admin/incidents/incident/", as_=root)

    page.keyboard.press("Tab")
    assert stop(page).name == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    assert stop(page).name == "All"


def test_lists_its_keys_and_gives_the_focus_back(
    fresh_db: Any, root: User, open_page: Opener
) -> None:
    page = open_page("/admin/incidents/incident/", as_=root)
    tab_to(page, "My open", menu=True)

    page.keyboard.press("Shift+?")
    page.wait_for_selector(SHEET, state="visible")
    assert "Acknowledge the selected rows" in page.locator(SHEET).inner_text()
    broken = look_at(page, "keys")
    # The window is wide again: so is the menu.
    page.locator("#nav-sidebar").get_by_role("link", name="My open").first.wait_for()
    page.keyboard.press("Escape")

    page.wait_for_selector(SHEET, state="hidden")
    assert broken == []
    page.wait_for_function("document.activeElement.closest('#nav-sidebar')", polling=50)
    assert stop(page).name == "My open"


def test_has_no_single_keys_for_whom_they_are_off(
    fresh_db: Any, root: User, open_page: Opener
) -> None:
    set_preferences(list_keys=False, unpinned=[], actor=root)
    page = open_page("/admin/config/user/", as_=root)

    for key in ("Shift+?", "/", "f", "j", "x", "a", "["):
        page.keyboard.press(key)
    assert not is_open(page, SHEET)
    assert stop(page).name == ""
    assert page.locator("input.action-select:checked").count() == 0
    assert is_open(page, "#nav-sidebar")

    page.keyboard.press("Control+k")
    page.wait_for_function("document.activeElement.id === 'search-input-command'", polling=50)
    page.keyboard.type("j/")
    assert page.locator("#search-input-command").input_value() == "j/"
