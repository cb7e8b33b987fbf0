"""The main paths of four people with the keyboard alone, at every width, light and dark."""

import datetime
from typing import Any

import pytest
from playwright.sync_api import Page

from compliance.evidence.models import AuditRequest, Export, RequestState
from compliance.evidence.operations import approve_request, request_audit
from config import clock
from config.access.rules import Role
from config.governance.models import SettingVersion, VersionState
from config.governance.operations import propose, submit
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.lifecycle.rules import State
from tests.browser.conftest import Opener
from tests.browser.keys import fill, press, tab_to
from tests.browser.looking import WIDTHS, look_at
from tests.config import make
from tests.incidents import make as make_incidents

PASSWORD = "correct horse battery staple"
DAY = datetime.timedelta(days=1)

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("width", WIDTHS)]


class Eyes:
    """Looks at each page of a path as it is reached."""

    def __init__(self, page: Page, path: str, width: int) -> None:
        self.page, self.path, self.width = page, path, width
        self.broken: list[str] = []
        self.in_frame = False

    def see(self, name: str) -> None:
        """Light and dark; the first page inside with the menu, which is the same on each."""
        inside = self.page.locator("#nav-sidebar").count() > 0
        frame, self.in_frame = not self.in_frame, self.in_frame or inside
        found = look_at(self.page, f"{self.path}-{name}", widths=[self.width], frame=frame)
        self.broken += found


def open_list(page: Page, section: str, name: str) -> None:
    """From the menu, which is behind a button in a narrow window, and folded by section."""
    if page.viewport_size and page.viewport_size["width"] <= 1280:
        press(page, "Menu", menu=True)
        page.wait_for_function("document.activeElement.closest('#nav-sidebar')", polling=50)
    tab_to(page, section, menu=True)
    if not page.evaluate("document.activeElement.parentElement.open"):
        page.keyboard.press("Enter")
    press(page, name, menu=True)
    page.wait_for_selector("#changelist")
    page.wait_for_load_state()


def sign_in(page: Page, name: str) -> None:
    """The first field has the focus already."""
    page.keyboard.type(name)
    fill(page, "Password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("#result_list")


def find(page: Page, words: str) -> None:
    """By words; then open the first row."""
    page.keyboard.press("/")
    page.keyboard.type(words)
    page.keyboard.press("Enter")
    page.wait_for_url("**q=**")
    page.wait_for_load_state()
    open_first(page)


def open_first(page: Page) -> None:
    """The first row of the list."""
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_selector(".wb-verbs")


@pytest.fixture
def storm(fresh_db: Any, checkout: Service) -> Incident:
    make_incidents.incident("Something else", service=checkout)
    return make_incidents.incident("Card payments fail", service=checkout, level="critical")


def test_the_analyst_takes_an_incident_to_its_end(
    storm: Incident, checkout: Service, open_page: Opener, width: int
) -> None:
    ada = make.user("ada", name="Ada Ames", password=PASSWORD)
    make.join(checkout.team, ada)
    make.role(Role.ANALYST, to=ada, on=checkout.team)
    page = open_page("/admin/incidents/incident/", width=width)
    eyes = Eyes(page, "analyst", width)

    eyes.see("login")
    sign_in(page, "ada")
    eyes.see("incidents")
    find(page, "card payments")
    eyes.see("incident")
    press(page, "Acknowledge")
    page.get_by_text("Acknowledge: done.").wait_for()
    fill(page, "Add a line", "Zone b answers slowly.")
    press(page, "Add to the timeline")
    page.get_by_text("Add a note: done.").wait_for()
    press(page, "Resolve")
    page.wait_for_selector("textarea[name=note]")
    eyes.see("resolve")
    fill(page, "Note", "Restarted the pool.")
    press(page, "Resolve")
    page.get_by_text("Resolve: done.").wait_for()
    eyes.see("resolved")

    assert eyes.broken == []
    storm.refresh_from_db()
    assert (storm.state, storm.acknowledged_by) == (State.RESOLVED, ada)
    texts = list(storm.timeline.values_list("text", flat=True))
    assert "Zone b answers slowly." in texts
    assert any("Restarted the pool." in text for text in texts)


def test_the_responder_takes_on_what_waits(
    storm: Incident, bob: User, open_page: Opener, width: int
) -> None:
    page = open_page("/admin/", as_=bob, width=width)
    eyes = Eyes(page, "responder", width)

    eyes.see("home")
    open_list(page, "Queues", "Unassigned")
    for key in ("j", "x", "a"):
        page.keyboard.press(key)
    page.wait_for_function("document.activeElement.name === 'reason'", polling=50)
    page.keyboard.type("I am on it")
    eyes.see("bulk")
    page.keyboard.press("Enter")
    page.get_by_text("Acknowledge: 1 done.").wait_for()

    assert eyes.broken == []
    storm.refresh_from_db()
    assert storm.acknowledged_by == bob
    assert storm.history.first().history_change_reason == "I am on it"


@pytest.fixture
def vera(fresh_db: Any) -> User:
    """Approves policies, and decides on audit requests."""
    person = make.user("vera", name="Vera Voss")
    make.role(Role.POLICY_APPROVER, to=person)
    make.role(Role.COMPLIANCE_OFFICER, to=person)
    return person


def test_the_approver_reads_and_approves(
    vera: User, alice: User, carol: User, open_page: Opener, width: int
) -> None:
    draft = propose(
        SettingVersion,
        "lifecycle.reopen_days",
        actor=alice,
        values={"value": 5},
        title="Reopening",
        reason="Too short",
    )
    submit(draft, actor=alice)
    asked = requested(carol)
    page = open_page(f"/admin/config/settingversion/{draft.pk}/change/", as_=vera, width=width)
    eyes = Eyes(page, "approver", width)

    eyes.see("policy")
    press(page, "Approve")
    page.wait_for_selector("input[name=content_hash]")
    eyes.see("approve")
    fill(page, "Comment", "Read it.")
    press(page, "Approve")
    page.get_by_text("Approve: done.").wait_for()
    open_list(page, "Evidence", "Audit requests")
    open_first(page)
    press(page, "Approve")
    page.wait_for_selector("textarea[name=note]")
    press(page, "Approve")
    page.get_by_text("Approve: done.").wait_for()
    eyes.see("request")

    assert eyes.broken == []
    draft.refresh_from_db()
    assert draft.state in (VersionState.APPROVED, VersionState.ACTIVE)
    assert draft.approvals.get().reviewer == vera
    asked.refresh_from_db()
    assert (asked.state, asked.decided_by) == (RequestState.APPROVED, vera)


def requested(person: User) -> AuditRequest:
    """For the last day of everything."""
    now = clock.now()
    return request_audit(
        title="Access of the quarter", period_from=now - DAY, period_until=now,
        reason="The yearly audit", actor=person,
    )  # fmt: skip


def test_the_auditor_asks_for_evidence_and_reads_history(
    storm: Incident, vera: User, carol: User, open_page: Opener, width: int
) -> None:
    approve_request(requested(carol), actor=vera)
    page = open_page("/admin/", as_=carol, width=width)
    eyes = Eyes(page, "auditor", width)

    open_list(page, "Evidence", "Audit requests")
    open_first(page)
    press(page, "Make the evidence pack")
    page.get_by_text("Make the evidence pack: done.").wait_for()
    eyes.see("pack")
    open_list(page, "Evidence", "Audit requests")
    page.keyboard.press("c")
    page.wait_for_selector("input[name=title]")
    eyes.see("ask")
    fill(page, "Title", "Changes of March")
    fill(page, "Reason", "A finding of last year")
    for name, date in (("period_from", "2026-03-01"), ("period_until", "2026-04-01")):
        tab_to_field(page, f"{name}_0")
        page.keyboard.type(date)
        tab_to_field(page, f"{name}_1")
        page.keyboard.type("00:00:00")
    press(page, "Save")
    page.get_by_text("was added successfully").wait_for()
    page.goto(page.url.partition("/admin/")[0] + f"/admin/incidents/incident/{storm.pk}/history/")
    page.wait_for_selector(".wb-history")
    eyes.see("history")

    assert eyes.broken == []
    made = AuditRequest.objects.get(title="Changes of March")
    assert (made.requested_by, made.state) == (carol, RequestState.REQUESTED)
    assert Export.objects.get().ordered_by == carol


def tab_to_field(page: Page, name: str) -> None:
    """Half of a date and time, which have one label for both."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == name:
            return
    raise AssertionError(f"the keyboard never came to the field {name}")
