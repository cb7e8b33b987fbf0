"""Working by keyboard alone: keys are pressed, and what has the focus is read from the page."""

from dataclasses import dataclass

from playwright.sync_api import Page

MOST_STOPS = 140
SKIP = "Skip to the content"
# What a screen reader would say of the element, and whether one sees that it has the focus.
FOCUSED = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return ["", false];
  const named = (element.getAttribute("aria-labelledby") ?? "").split(" ")
    .map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim();
  const label = element.labels?.[0]?.textContent;
  const shown = element.cloneNode(true);
  shown.querySelectorAll("[aria-hidden=true], [hidden]").forEach((each) => each.remove());
  const said = element.getAttribute("aria-label") || named || label || shown.textContent
    || element.value || element.title || element.name || "";
  const style = getComputedStyle(element);
  const around = getComputedStyle(element.parentElement);
  const ring = (each) => each.outlineStyle !== "none" && parseFloat(each.outlineWidth) > 0;
  const seen = ring(style) || ring(around) || style.boxShadow !== "none";
  return [said.replace(/\\s+/g, " ").trim(), seen];
}"""


@dataclass(frozen=True)
class Stop:
    """What has the focus."""

    name: str
    is_seen: bool


def stop(page: Page) -> Stop:
    """Where the keyboard is."""
    name, seen = page.evaluate(FOCUSED)
    return Stop(name, seen)


def tab_to(page: Page, name: str, *, back: bool = False, menu: bool = False) -> None:
    """Press Tab until something of that name has the focus; each stop on the way is visible.

    As people do, it takes the link past the menu, unless what it looks for is there.
    """
    passed = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        here = stop(page)
        if here.name:
            assert here.is_seen, f"one doesn't see that '{here.name}' has the focus"
        if matches(here.name, name):
            return
        if here.name == SKIP and not (menu or back):
            page.keyboard.press("Enter")
        passed.append(here.name)
    raise AssertionError(f"the keyboard never came to '{name}', but to {passed}")


def press(page: Page, name: str, *, back: bool = False, menu: bool = False) -> None:
    """Go to the button or link of that name, and press it."""
    tab_to(page, name, back=back, menu=menu)
    page.keyboard.press("Enter")


def fill(page: Page, name: str, text: str) -> None:
    """Go to the field of that name, and type."""
    tab_to(page, name)
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


def matches(name: str, wanted: str) -> bool:
    """The whole name, or its beginning: labels carry marks and hints behind their words."""
    return name == wanted or name.startswith((f"{wanted} ", f"{wanted}*", f"{wanted}\n"))
