"""Chromium of the system, and pages that are signed in."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from config.organisation.models import User
from tests.config import make

ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDTHS = (1400, 390)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

type Scheme = Literal["light", "dark"]
type Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one module: Playwright's event loop would be in the way of other tests."""
    from tests.harness import peers  # noqa: PLC0415  # the skip must come at run time

    # Playwright's event loop makes Django believe that it runs inside one.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    executable = str(peers.require("chromium"))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=ARGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser, live_site: str) -> Iterator[Opener]:
    """`open_page("/admin/", as_=root, width=390, scheme="dark")`; errors of the console fail."""
    contexts, complaints = [], []

    def open_it(
        path: str, *, as_: User | None = None, width: int = 1400, scheme: Scheme = "light"
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
        )
        contexts.append(context)
        if as_ is not None:
            session = make.browser(as_).cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": session, "url": live_site}])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text)
                if message.type == "error" else None)  # fmt: skip
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda sent: complaints.append(f"left the site: {sent.url}")
                if not sent.url.startswith((live_site, "data:", "blob:")) else None)  # fmt: skip
        page.goto(live_site + path)
        page.wait_for_selector("main, #content")
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def shoot(request: pytest.FixtureRequest) -> Callable[[Page, str], None]:
    """Keep a picture where WATCHBILL_SHOTS names a folder; without it, do nothing."""
    folder = os.environ.get("WATCHBILL_SHOTS")

    def keep(page: Page, name: str) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=f"{folder}/{name}.png", full_page=True)

    return keep
