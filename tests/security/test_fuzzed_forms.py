"""Every form of the admin takes whatever is put into any of its fields, or says what is wrong."""

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.timeline.models import TimelineEntry
from tests.access.asking import one_frame, undone
from tests.access.routes import Call, admin_calls, of_one_kind
from tests.access.world import World, make_world
from tests.config import make
from tests.incidents import make as make_incidents
from tests.security import hostile

SHARES = 4
EACH = 2
FORMS = ("_add", "_change")
UNSENT = ("submit", "checkbox", "radio", "file")
ANSWERS = {200, 302, 400, 403, 404, 409}


class Fields(HTMLParser):
    """What a browser would send of a page: its inputs, areas and choices with their values."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._select = self._area = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attributes}
        name = named.get("name", "")
        if tag == "input" and name and named.get("type") not in UNSENT:
            self.found[name] = named.get("value", "")
        elif tag == "textarea" and name:
            self._area, self.found[name] = name, ""
        elif tag == "select" and name:
            self._select, self.found[name] = name, ""
        elif tag == "option" and self._select and "selected" in named:
            self.found[self._select] = named.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""
        elif tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.found[self._area] += data


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Any) -> World:
    settings.SIGNING_KEY, settings.CHECKPOINT_DIR = tmp_path / "key.pem", tmp_path / "points"
    settings.EXPORT_ROOT = tmp_path / "exports"
    return make_world()


def forms(world: World, share: int) -> Iterator[Call]:
    """Each form of the admin once, of the share."""
    calls = list(admin_calls(world))
    pages = [call for call in calls if call.name.endswith(FORMS)]
    verbs = [call for call in of_one_kind(calls) if call.name.endswith("_verb")]
    yield from [*pages, *verbs][share::SHARES]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("share", range(SHARES))
def test_takes_any_text_in_any_field_of_any_form(world: World, share: int):
    client = make.browser(world.people["root"])
    client.raise_request_exception = False
    failed: list[str] = []
    tried = 0

    with one_frame():
        for call in forms(world, share):
            page = client.get(call.url)
            fields = Fields(page.content.decode()).found if page.status_code == 200 else {}
            fields.pop("csrfmiddlewaretoken", None)
            if fields:
                tried += 1
                failed += fill_in(client, call, fields)

    assert failed == []
    assert tried > 5


def fill_in(client: Client, call: Call, fields: dict[str, str]) -> list[str]:
    """Post the form a few times, each time with something odd in some of its fields."""
    failed = []
    odd = st.dictionaries(st.sampled_from(sorted(fields)), hostile.texts, min_size=1, max_size=3)

    @hostile.some(EACH)
    @given(changes=odd)
    def post(changes: dict[str, str]) -> None:
        given = {
            name: text.encode("utf-8", "surrogatepass")
            for name, text in {**fields, **changes}.items()
        }
        status = undone(lambda: client.post(call.url, given)).status_code
        if status not in ANSWERS:
            failed.append(f"{status} {call.url} {changes}")

    post()
    return failed


@pytest.mark.parametrize("size", [3_000_000, 10_000_000])
def test_takes_no_text_of_megabytes(checkout: Service, alice: User, size: int):
    found = make_incidents.incident(service=checkout, actor=alice)
    client = make.browser(alice)
    before = TimelineEntry.objects.count()

    answer = client.post(f"/admin/incidents/incident/{found.pk}/do/note/", {"text": "a" * size})

    assert answer.status_code in (200, 400, 413)
    assert TimelineEntry.objects.count() == before


def test_takes_no_form_of_thousands_of_fields(alice: User):
    fields = {f"form-{number}-x": "1" for number in range(20_000)}

    answer = make.browser(alice).post("/admin/incidents/incident/", fields)

    assert answer.status_code == 400
