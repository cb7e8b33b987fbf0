"""What a browser without scripts would send of a page: names and values as they stand."""

from html.parser import HTMLParser
from typing import Any

from django.http import QueryDict

_NOT_SENT = {"submit", "button", "reset", "file", "image"}


class SentForm(HTMLParser):
    """The controls of a page in the order of their appearance; templates don't count."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sent = QueryDict(mutable=True)
        self.unnamed: list[str] = []
        self._select: dict[str, Any] | None = None
        self._textarea: str | None = None
        self._hidden = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        said = {name: value or "" for name, value in attrs}
        self._hidden += tag == "template"
        if self._hidden or "disabled" in said:
            return
        if tag in ("select", "input", "textarea") and not said.get("aria-label"):
            self.unnamed.append(said.get("name", ""))
        match tag:
            case "input":
                self._take_input(said)
            case "select":
                self._select = {"name": said.get("name", ""), "multiple": "multiple" in said}
                self._select["options"] = []
            case "option" if self._select is not None:
                self._select["options"].append((said.get("value", ""), "selected" in said))
            case "textarea":
                self._textarea = said.get("name", "")
                self.sent.appendlist(self._textarea, "")

    def handle_data(self, data: str) -> None:
        if self._textarea is not None and not self._hidden:
            kept = str(self.sent[self._textarea])
            self.sent[self._textarea] = kept + (data if kept else data.removeprefix("\n"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self._hidden -= 1
        if tag == "textarea":
            self._textarea = None
        if tag == "select" and self._select is not None:
            self._take_select(self._select)
            self._select = None

    def _take_input(self, said: dict[str, str]) -> None:
        kind = said.get("type", "text")
        ticked = kind not in ("checkbox", "radio") or "checked" in said
        if said.get("name") and kind not in _NOT_SENT and ticked:
            default = "on" if kind == "checkbox" else ""
            self.sent.appendlist(said["name"], said.get("value", default))

    def _take_select(self, select: dict[str, Any]) -> None:
        chosen = [value for value, is_chosen in select["options"] if is_chosen]
        if not chosen and not select["multiple"]:
            chosen = [value for value, _ in select["options"][:1]]
        for value in chosen:
            self.sent.appendlist(select["name"], value)


def form_of(response: Any) -> QueryDict:
    """The form of an admin page as it would be sent unchanged."""
    return SentForm(response.content.decode()).sent
