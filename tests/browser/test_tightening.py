"""The example of docs/administrator.md, by hand: SEV1 begins at half the revenue."""

from typing import Any

import pytest
from playwright.sync_api import Page

from config.access.rules import Role
from config.governance.models import VersionState
from config.organisation.models import User
from fixtures.reference import seed_reference
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.taxonomy.models import SeverityTableVersion
from tests.browser.conftest import Opener
from tests.browser.looking import keep, keep_part
from tests.config import make
from tests.incidents import make as make_incidents

MATRIX = "/admin/incidents/severitytableversion/"
INCIDENT = "/admin/incidents/incident/"
# The second condition of the first group of the second rule: revenue lost per hour.
THRESHOLD = "rules-1-conditions-0-1-value"

pytestmark = pytest.mark.slow


@pytest.fixture
def author(fresh_db: Any, checkout: Service) -> User:
    """Who may write policies, in a company that has lost money before."""
    seed_reference()
    for revenue in (20_000, 60_000, 80_000, 120_000):
        make_incidents.incident(service=checkout, level="warning", revenue_per_hour=revenue)
    return _person("anna", "Anna Weiss", Role.POLICY_AUTHOR)


def _person(username: str, name: str, role: Role) -> User:
    person = make.user(username, name=name)
    make.role(role, to=person)
    return person


def test_tightens_the_threshold_with_two_people(
    author: User, checkout: Service, bob: User, open_page: Opener
) -> None:
    approver = _person("paul", "Paul Olsen", Role.POLICY_APPROVER)
    _person("quinn", "Quinn Adeyemi", Role.POLICY_APPROVER)  # set-up mode is over

    page = open_page(MATRIX, as_=author)
    page.get_by_role("link", name="Severity matrix v1").click()
    page.get_by_role("button", name="New draft").click()
    _tighten(page, "Losses of 50,000 an hour are felt at once")
    _try_on_the_past(page)
    page.get_by_role("button", name="Submit for approval").click()
    page.get_by_text("Submit for approval: done.").wait_for()
    page.close()
    _approve(open_page("/admin/", as_=approver))

    incident = make_incidents.incident(service=checkout, level="warning", revenue_per_hour=60_000)

    second = SeverityTableVersion.objects.get(number=2)
    assert (second.state, second.author) == (VersionState.ACTIVE, author)
    assert second.approvals.get().reviewer == approver
    assert (incident.severity, incident.severity_line) == ("SEV1", "mass-outage")
    assert incident.severity_version_id == second.pk
    # What was decided before keeps its severity, and the version that said so.
    same = Incident.objects.filter(revenue_per_hour=60_000).exclude(pk=incident.pk).get()
    assert (same.severity, same.severity_version.number) == ("SEV2", 1)  # type: ignore[union-attr]
    _show_why(open_page(f"{INCIDENT}{incident.pk}/change/", as_=bob))


def _tighten(page: Page, reason: str) -> None:
    page.locator(f"[name={THRESHOLD}]").fill("50000")
    page.locator("[name=change_reason]").fill(reason)
    rule = page.locator(".form-group", has=page.locator(f"[name={THRESHOLD}]"))
    keep_part(rule, "tighten-draft")
    page.get_by_role("button", name="Save and continue editing").click()
    page.get_by_text("was changed successfully").wait_for()
    changes = page.locator(".wb-blocks").first
    assert "Revenue lost per hour is at least 50,000" in changes.inner_text()
    keep_part(changes, "tighten-difference")


def _try_on_the_past(page: Page) -> None:
    page.get_by_role("link", name="Back-test").click()
    page.get_by_role("button", name="Back-test").click()
    tested = page.locator("#backtests")
    assert "2 of 4 incidents would have been decided otherwise" in tested.inner_text()
    tested.get_by_text("2 that differ, newest first").click()
    keep_part(tested, "tighten-backtest")


def _approve(page: Page) -> None:
    page.get_by_role("link", name="Severity matrix v2").click()
    page.get_by_role("link", name="Approve", exact=True).click()
    page.locator("[name=comment]").fill("Agreed with finance.")
    keep(page, "tighten-approve")
    page.get_by_role("button", name="Approve", exact=True).click()
    page.get_by_text("Approve: done.").wait_for()
    page.get_by_role("link", name="Activate", exact=True).click()
    page.get_by_role("button", name="Activate", exact=True).click()
    page.get_by_text("Activate: done.").wait_for()


def _show_why(page: Page) -> None:
    why = page.locator("details", has_text="Why SEV1?").last
    why.locator("summary").click()
    assert "Version 2 of the matrix says SEV1" in why.inner_text()
    keep_part(why, "tighten-why")
