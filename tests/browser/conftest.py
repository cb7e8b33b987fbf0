"""Chromium of the system, one for all tests of a worker, and pages that are signed in."""

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.signals import request_finished
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright
from pytest_django.live_server_helper import LiveServer

from config.organisation.models import User
from tests.browser.looking import HEIGHTS, Scheme
from tests.config import make

ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--process-per-site",  # what one tab has compiled serves the next: half of a page's time
]  # fmt: skip
# A page's own policy was broken: said by the page, as no address collects reports.
REPORTS = """document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`))"""

type Opener = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, for this package: Playwright's event loop would be in the way of other tests."""
    from tests.harness import peers  # noqa: PLC0415  # the skip must come at run time

    # Playwright's event loop makes Django believe that it runs inside one.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    executable = str(peers.require("chromium"))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=ARGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def site() -> Iterator[str]:
    """One server, out of whichever database the test has: so styles and scripts stay cached."""
    server = LiveServer("localhost")
    request_finished.connect(_leave_database)
    yield str(server.url)
    request_finished.disconnect(_leave_database)
    server.stop()


@pytest.fixture
def live_site(fresh_db: Any, site: str) -> str:
    """The server's address, once the test has a database of its own."""
    return site


@pytest.fixture(scope="package")
def window(browser: Browser, site: str) -> Iterator[BrowserContext]:
    """What the tabs share: a process, a cache that lasts, and cookies that don't outlive a test.

    The first tab stays, so that the process does.
    """
    context = _window_of(browser)
    context.new_page().goto(f"{site}/healthz")
    yield context
    context.close()


@pytest.fixture
def open_page(browser: Browser, window: BrowserContext, live_site: str) -> Iterator[Opener]:
    """`open_page("/admin/", as_=root, width=390, scheme="dark")`; `held_clock` stops its timers.

    Afterwards: no error in the console, nothing that the page's own policy forbids, and no
    request to anywhere else.
    """
    complaints: list[str] = []

    def listen(page: Page) -> None:
        page.on("console", lambda message: complaints.append(message.text)
                if message.type == "error" else None)  # fmt: skip
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda sent: complaints.append(f"left the site: {sent.url}")
                if _is_outside(sent, live_site) else None)  # fmt: skip

    def open_it(
        path: str,
        *,
        as_: User | None = None,
        width: int = 1400,
        scheme: Scheme = "light",
        held_clock: bool = False,
    ) -> Page:
        # Whose clock was stopped, has no other for any tab of it.
        place = _window_of(browser) if held_clock else window
        place.clear_cookies()
        if as_ is not None:
            session = make.browser(as_).cookies["sessionid"].value
            place.add_cookies([{"name": "sessionid", "value": session, "url": live_site}])
        page = place.new_page()
        page.set_viewport_size({"width": width, "height": HEIGHTS.get(width, 900)})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        listen(page)
        if held_clock:
            page.clock.install()
        page.goto(live_site + path)
        page.wait_for_selector("main, #content")
        return page

    yield open_it
    for other in set(browser.contexts) - {window}:
        other.close()
    _forget(window, live_site)
    assert complaints == []


def _window_of(browser: Browser) -> BrowserContext:
    context = browser.new_context(reduced_motion="reduce")
    context.add_init_script(REPORTS)
    return context


def _forget(window: BrowserContext, site: str) -> None:
    """Close what was opened, and leave nothing that the next test would find but the cache."""
    first, *others = window.pages
    for page in others:
        page.close()
    tools = window.new_cdp_session(first)
    what = {"origin": site, "storageTypes": "cookies,local_storage"}
    tools.send("Storage.clearDataForOrigin", what)
    tools.detach()
    window.clear_permissions()


def _leave_database(**kwargs: Any) -> None:
    """A thread of the server outlives the database of a test."""
    if threading.current_thread() is not threading.main_thread():
        connections.close_all()


def _is_outside(sent: Request, site: str) -> bool:
    return not sent.url.startswith((site, "data:", "blob:"))
