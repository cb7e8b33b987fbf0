"""A restricted incident betrays nothing to those who were not let in, not even to its own team."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import models
from django.test import Client

from config import clock
from config.due.models import OutboundMessage
from config.due.worker import capture_sends, run_due
from config.metrics import exposition
from config.organisation.models import User
from escalation.paging.models import Page
from escalation.runs.models import EscalationRun
from incidents.alerts.models import Alert
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident, KeyTimeClaim
from incidents.lifecycle.operations import edit, resolve
from incidents.taxonomy.models import Level
from incidents.timeline.models import TimelineEntry
from postmortems.reviews.models import Review
from tests.access.routes import ADMIN, API, admin_prefixes, every_route
from tests.config import make
from tests.escalation import make as make_escalation
from tests.harness.kept import kept
from tests.incidents import make as make_incidents
from tests.incidents.alerts import make as make_alerts

# Stands in the title, the description, the alert and the notes of what is restricted.
WORD = "Quagga"
HOUR = datetime.timedelta(hours=1)
TIED: tuple[type[models.Model], ...] = (Alert, EscalationRun, Page, Review)


@dataclass
class Hidden:
    """Two restricted incidents: one that an alert opened and that pages, one that is over."""

    live: Incident
    over: Incident

    @property
    def both(self) -> tuple[Incident, Incident]:
        return self.live, self.over

    @property
    def words(self) -> tuple[str, ...]:
        """What must show nowhere."""
        return WORD, self.live.reference, self.over.reference

    @property
    def asked(self) -> list[str]:
        """The words in lower case: all search finds them so, and a page repeats the question."""
        return [word.lower() for word in self.words]

    def told_by(self, text: str) -> list[str]:
        """The words that a text betrays."""
        return [word for word in self.words if word in text]


@kept
def hidden(checkout: Service, alice: User, bob: User, carol: User) -> Hidden:
    """bob works on them; alice, who commands his team, was not let in."""
    make_escalation.contact(bob)
    with clock.simulated(clock.now() - 4 * HOUR):
        make_escalation.policy([make_escalation.person_tier(bob, wait=600)])
        make_incidents.incident("Something to see", service=checkout)
        over = make_incidents.incident(
            f"{WORD} is over", service=checkout, actor=bob, level=Level.CRITICAL, is_restricted=True
        )
    source = make_alerts.source(team=checkout.team, service=checkout, name="monitor")
    alert = make_alerts.firing("k", title=WORD, description=WORD, level="critical")
    make_alerts.received(source, alert)
    live = Incident.objects.get(title=WORD)
    edit(live, actor=bob, changes={"is_restricted": True, "description": WORD}, reason=WORD)
    resolve(over, actor=bob, note=WORD)
    run_due(clock.now())
    return Hidden(live, over)


def api_addresses(hidden: Hidden) -> Iterator[str]:
    """Every list of the API: as it is, searched, and narrowed to the incident."""
    for route in every_route():
        is_list = route.path.startswith(API) and not route.parameters
        if is_list and "get" in (getattr(route.callback, "actions", None) or {"get": "get"}):
            url = route.filled()
            yield url
            yield from (f"{url}?q={word}" for word in hidden.asked)
            yield from (f"{url}?incident={each.reference.lower()}" for each in hidden.both)


def admin_addresses(hidden: Hidden) -> Iterator[str]:
    """Home, palette, every list, and every picker, each asked for the words."""
    yield "/admin/"
    for word in hidden.asked:
        yield f"/admin/search/?s={word}"
    for prefix, each in admin_prefixes().items():
        yield f"/{prefix}"
        yield from (f"/{prefix}?q={word}" for word in hidden.asked)
        for name in each.autocomplete_fields:
            opts = each.opts
            for word in hidden.asked:
                yield (
                    f"/admin/autocomplete/?app_label={opts.app_label}"
                    f"&model_name={opts.model_name}&field_name={name}&term={word}"
                )


@pytest.mark.check("CMP-02.1")
def test_shows_in_no_list_of_the_api(hidden: Hidden, alice: User) -> None:
    client = make.api(alice)

    betrayed = {}
    for url in api_addresses(hidden):
        response = client.get(url)
        assert response.status_code in (200, 400), url  # 400: it has no such filter
        if told := hidden.told_by(response.content.decode()):
            betrayed[url] = told

    assert betrayed == {}
    listed = client.get("/api/v1/incidents/").json()["results"]
    assert [row["title"] for row in listed] == ["Something to see"]


@pytest.mark.check("CMP-02.1")
def test_shows_on_no_page_of_the_admin(hidden: Hidden, alice: User) -> None:
    client = make.browser(alice)

    betrayed = {}
    for url in admin_addresses(hidden):
        text = client.get(url).content.decode()
        if told := hidden.told_by(text):
            betrayed[url] = told

    assert betrayed == {}


def test_is_seen_by_whom_was_let_in(hidden: Hidden, bob: User) -> None:
    listed = make.api(bob).get("/api/v1/incidents/").json()["results"]
    found = make.browser(bob).get(f"/admin/search/?s={WORD}").content.decode()

    assert {row["reference"] for row in listed} > {each.reference for each in hidden.both}
    assert hidden.live.reference in found


@pytest.mark.check("CMP-02.1")
@pytest.mark.parametrize("persona", ["alice", "carol"])
def test_opens_no_row_that_hangs_on_it(
    hidden: Hidden, persona: str, request: pytest.FixtureRequest
) -> None:
    person = request.getfixturevalue(persona)
    client, pages = make.api(person), make.browser(person)
    rows: list[Any] = [row for kind in TIED for row in tied(kind, hidden)]

    opened = [url for row in rows for url in api_pages(row) if client.get(url).status_code != 404]
    opened += [url for row in rows for url in admin_pages(row) if pages.get(url).status_code != 404]

    assert {type(row) for row in rows} == set(TIED)
    assert opened == []


@pytest.mark.parametrize("persona", ["alice", "carol", "mallory"])
def test_lies_behind_no_door_of_any_model(
    hidden: Hidden, persona: str, request: pytest.FixtureRequest
) -> None:
    person = request.getfixturevalue(persona)

    kinds: list[Any] = [*TIED, TimelineEntry, KeyTimeClaim]
    for kind in kinds:
        rows = kind._default_manager
        assert not rows.visible_to(person).filter(incident__in=hidden.both).exists(), kind


@pytest.mark.check("CMP-02.1")
@pytest.mark.parametrize("persona", ["alice", "carol"])
def test_answers_as_if_it_were_not_there(
    hidden: Hidden, persona: str, request: pytest.FixtureRequest
) -> None:
    client = make.api(request.getfixturevalue(persona))
    asked = ("get", ""), ("get", "history/"), ("get", "timeline/"), ("post", "acknowledge/")

    for method, path in asked:
        texts = {
            said(getattr(client, method)(f"/api/v1/incidents/{reference}/{path}"), reference)
            for reference in (hidden.live.reference, "INC-999999")
        }
        assert len(texts) == 1, path


def test_is_not_betrayed_by_what_names_it(hidden: Hidden, alice: User) -> None:
    client = make.api(alice)

    texts = {
        said(client.post("/api/v1/escalations/", {"incident": reference, "reason": "r"}), reference)
        for reference in (hidden.live.reference, "INC-999999")
    }

    assert len(texts) == 1


@pytest.mark.check("CMP-02.1")
def test_does_not_count(checkout: Service, alice: User, bob: User) -> None:
    make_incidents.incident("Something to see", service=checkout, actor=bob)
    before = counted(make.browser(alice))

    make_incidents.incident(WORD, service=checkout, actor=bob, is_restricted=True)

    assert counted(make.browser(alice)) == before


def test_is_paged_by_its_reference_alone(checkout: Service, bob: User) -> None:
    make_escalation.contact(bob)
    make_escalation.policy([make_escalation.person_tier(bob)])
    secret = make_incidents.incident(WORD, service=checkout, level="critical", is_restricted=True)

    with capture_sends() as sent:
        run_due(clock.now())

    (page,) = [each for each in sent if each.message.purpose == "page"]
    text = str(page)
    assert secret.reference in text
    assert WORD not in text
    assert checkout.name not in text
    stored = OutboundMessage.objects.filter(purpose="page").values_list("data", flat=True)
    assert WORD not in str(list(stored))


def test_shows_in_no_metric(hidden: Hidden) -> None:
    assert hidden.told_by(exposition()) == []


def said(response: Any, reference: str) -> tuple[int, str]:
    """Status and words, less what the question said itself."""
    told = response.json()
    told.pop("request_id", None)
    return response.status_code, str(told).replace(reference, "REFERENCE")


def tied(kind: Any, hidden: Hidden) -> Any:
    return kind._default_manager.filter(incident__in=hidden.both)


def api_pages(row: Any) -> list[str]:
    prefix = {Alert: "alerts", EscalationRun: "escalations", Page: "pages", Review: "reviews"}
    below = {EscalationRun: ("", "records/", "history/"), Review: ("", "history/")}
    base = f"/api/v1/{prefix[type(row)]}/{row.pk}/"
    return [base + path for path in below.get(type(row), ("",))]


def admin_pages(row: Any) -> list[str]:
    base = f"/{ADMIN}{row._meta.app_label}/{row._meta.model_name}/{row.pk}/"
    return [f"{base}change/", f"{base}history/"]


def counted(client: Client) -> list[Any]:
    """The figures of the home page and of the list."""
    steps = client.get("/admin/").context["home_steps"]
    page = client.get("/admin/incidents/incident/")
    return [*(state.count for _, state in steps), page.context["cl"].result_count]
