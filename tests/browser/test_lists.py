"""Working through a list by keyboard: keys, saved views, news, and many rows at once."""

from typing import Any

import pytest
from playwright.sync_api import Page, Response

from config.organisation.models import User
from config.workspace.models import SavedView
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import acknowledge, resolve
from tests.browser.conftest import Opener
from tests.browser.keys import press, stop, tab_to
from tests.browser.looking import look_at
from tests.incidents import make

LIST = "/admin/incidents/incident/"
NEWS = "#wb-live [data-news]"

pytestmark = pytest.mark.slow


@pytest.fixture
def incidents(fresh_db: Any, checkout: Service, bob: User) -> list[Incident]:
    """Three of checkout, the newest first, as the list shows them."""
    made = [make.incident(f"Storm {number}", service=checkout) for number in (1, 2, 3)]
    return made[::-1]


def checked(page: Page) -> list[int]:
    boxes = page.locator("input.action-select:checked").all()
    return [int(box.input_value()) for box in boxes]


def look_again(page: Page) -> None:
    """As when somebody comes back to the tab: the list asks at once."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_moves_selects_and_opens(incidents: list[Incident], bob: User, open_page: Opener) -> None:
    page = open_page(LIST, as_=bob)
    first, second, third = incidents

    names = []
    for key in ("j", "j", "j", "j", "k"):
        page.keyboard.press(key)
        names.append(stop(page).name)
    assert names == [each.reference for each in (first, second, third, third, second)]
    assert stop(page).is_seen
    page.keyboard.press("x")
    page.keyboard.press("k")
    page.keyboard.press("x")
    assert checked(page) == [first.pk, second.pk]
    assert page.locator(".action-counter").inner_text() == "2 of 3 selected"
    page.keyboard.press("x")
    page.keyboard.press("o")

    page.wait_for_url(f"**/incident/{first.pk}/change/**")


def test_types_in_fields_instead(incidents: list[Incident], bob: User, open_page: Opener) -> None:
    page = open_page(LIST, as_=bob)

    page.keyboard.press("/")
    page.keyboard.type("jkoxar")

    assert page.locator("#searchbar").input_value() == "jkoxar"
    assert checked(page) == []


def test_acknowledges_many_with_a_reason(
    incidents: list[Incident], bob: User, open_page: Opener
) -> None:
    page = open_page(LIST, as_=bob)
    over = incidents[2]
    for key in ("j", "x", "j", "x", "j", "x"):
        page.keyboard.press(key)
    resolve(over, actor=bob)

    page.keyboard.press("a")
    page.wait_for_function("document.activeElement.name === 'reason'", polling=50)
    page.keyboard.type("one storm")
    broken = look_at(page, "bulk", widths=(1400, 390))
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="Acknowledge: 2 done, 1 refused").wait_for()
    broken += look_at(page, "bulk-results", widths=(1400, 390))
    assert broken == []
    rows = Incident.objects.filter(acknowledged_by=bob)
    assert set(rows) == set(incidents[:2])
    assert {row.history.first().history_change_reason for row in rows} == {"one storm"}
    press(page, "Back to the list")
    page.wait_for_selector("#result_list")


def test_asks_for_the_reason_of_one_row_and_can_be_left(
    incidents: list[Incident], bob: User, open_page: Opener
) -> None:
    page = open_page(LIST, as_=bob)
    page.keyboard.press("j")

    page.keyboard.press("a")
    page.wait_for_function("document.activeElement.name === 'reason'", polling=50)
    page.keyboard.press("Escape")

    assert stop(page).name == incidents[0].reference
    assert checked(page) == [incidents[0].pk]
    assert not Incident.objects.filter(acknowledged_at__isnull=False).exists()


def test_asks_again_before_it_acknowledges_many(
    incidents: list[Incident], bob: User, open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.adminkit.bulk.ASKED_ABOVE", 2)
    page = open_page(LIST, as_=bob)
    for key in ("j", "x", "j", "x", "j", "x", "a"):
        page.keyboard.press(key)
    page.wait_for_function("document.activeElement.name === 'reason'", polling=50)
    page.keyboard.type("one storm")
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="Acknowledge these 3?").wait_for()
    broken = look_at(page, "bulk-question", widths=(1400, 390))
    assert not Incident.objects.filter(acknowledged_at__isnull=False).exists()
    press(page, "Acknowledge 3")

    page.get_by_role("heading", name="Acknowledge: 3 done").wait_for()
    assert broken == []
    assert Incident.objects.filter(acknowledged_by=bob).count() == 3


def test_saves_a_view_in_two_presses(
    incidents: list[Incident], bob: User, open_page: Opener
) -> None:
    page = open_page(f"{LIST}?q=storm", as_=bob)

    press(page, "Save this view")
    page.wait_for_function("document.activeElement.name === 'name'", polling=50)
    broken = look_at(page, "save-view", widths=(1400, 390))
    page.keyboard.type("Storms")
    tab_to(page, "For")
    page.keyboard.press("ArrowDown")
    press(page, "Save")

    page.get_by_text("Saved: “Storms”").wait_for()
    assert broken == []
    view = SavedView.objects.get()
    assert (view.name, view.query, view.owner) == ("Storms", "q=storm", bob)
    assert view.team is not None
    current = page.locator(".wb-queues [aria-current=page]").inner_text()
    assert current.endswith("Storms")


def test_tells_what_is_new_and_keeps_the_place(
    incidents: list[Incident], checkout: Service, alice: User, bob: User, open_page: Opener
) -> None:
    page = open_page(LIST, as_=bob)
    for key in ("j", "j", "x"):
        page.keyboard.press(key)
    here = stop(page)

    acknowledge(incidents[2], actor=alice)
    made = make.incident("Another storm", service=checkout)
    look_again(page)
    page.get_by_text("2 new or changed").wait_for()
    broken = look_at(page, "news", widths=(1400, 390))
    with page.expect_navigation():
        page.keyboard.press("r")
    page.wait_for_function("document.activeElement !== document.body", polling=50)

    assert broken == []
    assert page.locator("#result_list tbody").count() == 4
    assert made.reference in page.locator("#result_list tbody").first.inner_text()
    assert stop(page) == here
    assert checked(page) == [incidents[1].pk]
    assert page.locator(NEWS).inner_text() == ""


def test_tells_a_reader_nothing_of_what_is_restricted(
    incidents: list[Incident], checkout: Service, alice: User, bob: User, open_page: Opener
) -> None:
    page = open_page(LIST, as_=alice)
    make.incident("Secret", service=checkout, actor=bob, is_restricted=True)

    with page.expect_response(lambda answer: "/live/" in answer.url) as answer:
        look_again(page)

    assert answer.value.status == 200
    assert page.locator(NEWS).inner_text() == ""


def test_asks_every_ten_seconds_unless_paused_or_out_of_sight(
    incidents: list[Incident], bob: User, open_page: Opener
) -> None:
    page = open_page(LIST, as_=bob, held_clock=True)
    asked: list[int] = []

    def noted(answer: Response) -> None:
        if "/live/" in answer.url:
            asked.append(answer.status)

    page.on("response", noted)

    def passes(seconds: int) -> int:
        asked.clear()
        page.clock.fast_forward(seconds * 1000)
        page.wait_for_timeout(300)
        return len(asked)

    with page.expect_response(lambda answer: "/live/" in answer.url):
        page.clock.fast_forward(12_000)
    page.wait_for_timeout(100)
    assert passes(12) == 1
    assert asked == [304]
    press(page, "Pause updates")
    assert passes(60) == 0
    page.keyboard.press("Enter")
    assert passes(12) == 1
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    look_again(page)
    assert passes(600) == 0
    page.evaluate("delete document.hidden")
    look_again(page)
    page.wait_for_timeout(300)
    assert len(asked) == 1


def test_says_that_one_was_signed_out(
    incidents: list[Incident], bob: User, open_page: Opener
) -> None:
    page = open_page(LIST, as_=bob)
    page.context.clear_cookies()

    look_again(page)

    page.get_by_text("You are signed out").wait_for()
    assert not page.get_by_role("button", name="Pause updates").is_visible()


def test_opens_the_filters_by_keyboard(
    incidents: list[Incident], bob: User, open_page: Opener
) -> None:
    page = open_page(LIST, as_=bob, width=390)

    press(page, "Filters")
    press(page, "Open")

    page.wait_for_url("**attention=open**")


def test_finds_by_words(incidents: list[Incident], bob: User, open_page: Opener) -> None:
    page = open_page(LIST, as_=bob)

    page.keyboard.press("/")
    page.keyboard.type("storm 2")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=storm**")

    assert page.locator("#result_list tbody").count() == 1
