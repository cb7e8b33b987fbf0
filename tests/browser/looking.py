"""How a page is looked at: by axe, at four widths, light and dark, with pictures kept."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from axe_playwright_python.base import AXE_FILE_PATH
from django.conf import settings
from playwright.sync_api import Locator, Page

type Scheme = Literal["light", "dark"]

WIDTHS = (1400, 768, 390, 320)
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
HEIGHTS = {1400: 900, 768: 1024, 390: 844, 320: 568}
EVERYTHING: dict[str, object] = {
    "type": "tag",
    "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
}
# All in which light and dark can differ.
COLOURS: dict[str, object] = {
    "type": "rule",
    "values": ["color-contrast", "link-in-text-block"],
}
AXE = AXE_FILE_PATH.read_text()
# Its own look at style sheets, of which one rule makes use, would fetch them all again.
RUN = """async ([only, frame]) => (await axe.run({exclude: frame ? [] : ["#nav-sidebar"]}, {
  runOnly: only, resultTypes: ["violations"], preload: false,
})).violations.map((each) => `${each.id}: ${each.nodes[0].html.slice(0, 160)}`)"""
# The admin keeps the theme by itself; the other pages follow what the system prefers.
THEME = """(scheme) => {
  const theme = window.Alpine && Alpine.$data(document.documentElement);
  if (theme?.switchTheme) theme.switchTheme(scheme);
}"""


def look_at(
    page: Page,
    name: str,
    *,
    widths: Iterable[int] = WIDTHS,
    schemes: Iterable[Scheme] = SCHEMES,
    frame: bool = True,
) -> list[str]:
    """What is wrong with the page at each width and in each scheme; a picture of each is kept.

    Without its `frame` it takes half as long: the menu has more elements than most pages.
    """
    before = page.viewport_size
    found = []
    seen: dict[str, object] | None
    for width in widths:
        page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        seen = None
        for scheme in schemes:
            dress(page, scheme)
            keep(page, f"{name}-{width}-{scheme}")
            at = f"{name} at {width} px, {scheme}"
            found += [f"{at}: {each}" for each in violations(page, only=seen, frame=frame)]
            seen = COLOURS
            if sideways(page):
                found.append(f"{at}: scrolls sideways")
    if before:
        page.set_viewport_size(before)
    return found


def dress(page: Page, scheme: Scheme) -> None:
    """Light or dark, as somebody would have chosen it."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.evaluate(THEME, scheme)


def violations(
    page: Page, *, only: dict[str, object] | None = None, frame: bool = True
) -> list[str]:
    """What axe finds of WCAG 2.2 A and AA, with the first element of each."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found: list[str] = page.evaluate(RUN, [only or EVERYTHING, frame])
    return found


def sideways(page: Page) -> bool:
    """Whether the page is wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


def keep(page: Page, name: str) -> Path:
    """A picture for the docs, and for whoever reviews the change; a later run replaces it."""
    path = _place_of(name)
    page.screenshot(path=path, full_page=True)
    return path


def keep_part(part: Locator, name: str) -> Path:
    """A picture of one part of a page that is too long for one, without the bar that stays."""
    path = _place_of(name)
    part.screenshot(path=path, style="#submit-row { visibility: hidden; }")
    return path


def _place_of(name: str) -> Path:
    folder = Path(settings.VAR) / "screens"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.png"
