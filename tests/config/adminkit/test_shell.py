"""What every page of the admin carries: its CSP, its banners, and the home page's cards."""

from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.urls import reverse

from config.adminkit import home
from config.adminkit.scripts import SLUG_SCRIPTS
from config.due.models import Installation
from config.organisation.models import User
from incidents.catalog.models import Service
from tests.config import make
from tests.incidents import make as make_incidents

pytestmark = pytest.mark.django_db


def test_lets_only_the_admin_evaluate(root: User):
    client = make.browser(root)

    policy = client.get("/admin/").headers["Content-Security-Policy"]

    assert "script-src 'self' 'unsafe-eval'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in client.get(reverse("account_logout")).headers["Content-Security-Policy"]


def test_loads_no_script_that_no_page_needs(root: User):
    page = make.browser(root).get(reverse("admin:config_team_changelist")).content.decode()
    charts = finders.find("unfold/js/chart/chart.js")

    assert "jquery" in page
    assert [name for name in SLUG_SCRIPTS if name in page] == []
    assert isinstance(charts, str)
    assert Path(charts).stat().st_size < 1000


def test_lets_the_browser_keep_the_words_of_the_date_pickers(root: User):
    words = make.browser(root).get(reverse("admin:jsi18n"))

    assert words.headers["Cache-Control"] == "private, max-age=3600"


def test_says_that_the_data_are_invented(root: User):
    Installation.objects.update_or_create(pk=1, defaults={"is_demo": True})

    page = make.browser(root).get("/admin/").content.decode()

    assert "Demonstration data." in page


def test_says_what_to_do_when_outbound_is_paused(root: User):
    defaults = {"outbound_paused_at": "2026-01-01T00:00Z", "paused_because": "Restored elsewhere."}
    Installation.objects.update_or_create(pk=1, defaults=defaults)

    page = make.browser(root).get("/admin/").content.decode()

    assert "Restored elsewhere." in page
    assert "manage.py resume_outbound" in page


def test_explains_itself_to_a_newcomer(mallory: User):
    page = make.browser(mallory).get("/admin/").content.decode()

    assert all(step.title in page for step in home.STEPS)


def test_counts_what_the_visitor_may_see(root: User, mallory: User, checkout: Service):
    make_incidents.incident(service=checkout)

    def counted(visitor: User) -> int | None:
        steps = make.browser(visitor).get("/admin/").context["home_steps"]
        states: dict[str, home.StepState] = {step.name: state for step, state in steps}
        return states["incident"].count

    assert (counted(root), counted(mallory)) == (1, 0)


def test_keeps_the_page_when_one_card_breaks(root: User, monkeypatch: pytest.MonkeyPatch):
    def broken(request: object) -> home.Section:
        raise RuntimeError("no such table")

    monkeypatch.setattr(home, "_sections", {"x": (1, broken)})

    sections = make.browser(root).get("/admin/").context["home_sections"]

    assert [section.title for section in sections] == ["Broken"]
    assert "could not be read" in sections[0].empty_text


def test_counts_up_to_a_thousand():
    assert home.StepState(1001, "/", "alerts").label == "Alerts: more than 1,000"
    assert home.StepState(7, "/", "alerts").label == "Alerts: 7"
