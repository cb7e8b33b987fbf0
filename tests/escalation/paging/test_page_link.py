"""The link in a page: it shows what is asked, and one tap acknowledges."""

import base64
import datetime
import gzip
import uuid

import pytest
from django.contrib.sessions.models import Session
from django.contrib.staticfiles import finders
from django.test import Client

from config import clock
from config.due.worker import run_due
from config.events.models import Event
from config.organisation.models import User
from escalation.paging.links import page_id_of, token_of
from escalation.paging.models import Page, PageState
from escalation.paging.rules import PAGE_LIFETIME, ago
from escalation.runs.models import EscalationRun
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import acknowledge, edit, resolve
from incidents.timeline.models import TimelineEntry
from tests.config import make as people
from tests.escalation.make import after
from tests.harness.kept import kept
from tests.incidents import make as make_incidents

ACK = {"action": "acknowledge"}


@kept
def asked(incident: Incident) -> Page:
    """bob's page, sent at START."""
    run_due(after(0))
    return Page.objects.get()


@pytest.fixture
def visitor() -> Client:
    """Nobody in particular; forged requests are not let through by the client."""
    return Client(enforce_csrf_checks=True)


def at(asked: Page) -> str:
    return f"/r/{token_of(asked.pk)}"


def text_of(response) -> str:
    return str(response.content.decode())


def stored() -> tuple[object, ...]:
    """Everything that a visit could have changed."""
    return (
        list(Incident.objects.values_list("revision", "acknowledged_at", "state")),
        list(Page.objects.values_list("state", "acknowledged_at")),
        list(EscalationRun.objects.values_list("revision", "state")),
        Event.objects.count(),
        TimelineEntry.objects.count(),
        Session.objects.count(),
    )


def test_shows_what_is_asked(asked: Page, incident: Incident, checkout, visitor: Client) -> None:
    checkout.runbook_url = "https://runbooks.example.org/checkout"
    checkout.save_as(people.system(), "runbook_url")

    with clock.simulated(after(3)):
        response = visitor.get(at(asked))

    shown = text_of(response)
    for words in (
        incident.reference, "SEV2", "Checkout is slow", "<dd>Checkout</dd>",
        "2026-03-02 09:00 UTC (3 min ago)", "<dt>Alerts</dt><dd>0</dd>",
        'href="https://runbooks.example.org/checkout"',
        "If nobody acknowledges: Alice Abel at 09:05 UTC.", "Paged: Bob Berg (tier 1)",
    ):  # fmt: skip
        assert words in shown
    assert response.status_code == 200
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response.headers["Cache-Control"]
    assert "noindex" in response.headers["X-Robots-Tag"]


@pytest.mark.parametrize("method", ["get", "head"])
def test_changes_nothing_when_it_is_only_opened(asked: Page, visitor: Client, method: str) -> None:
    before = stored()

    with clock.simulated(after(1)):
        response = getattr(visitor, method)(at(asked))

    assert response.status_code == 200
    assert response.cookies == {}
    assert stored() == before


def test_acknowledges_without_cookie_or_csrf_token(
    asked: Page, incident: Incident, bob: User, visitor: Client
) -> None:
    with clock.simulated(after(2)):
        response = visitor.post(at(asked), ACK)

    assert (response.status_code, response.cookies) == (200, {})
    assert "You acknowledged just now" in text_of(response)
    incident.refresh_from_db()
    assert (incident.acknowledged_by, incident.acknowledged_at) == (bob, after(2))
    asked.refresh_from_db()
    assert (asked.state, asked.acknowledged_at) == (PageState.ACKNOWLEDGED, after(2))
    assert EscalationRun.objects.get().state == "acknowledged"


def test_answers_200_and_records_nothing_when_it_is_repeated(asked: Page, visitor: Client) -> None:
    with clock.simulated(after(2)):
        visitor.post(at(asked), ACK)
        before = stored()

        again = visitor.post(at(asked), ACK)

    assert again.status_code == 200
    assert stored() == before


def test_tells_a_second_person_who_was_first(
    incident: Incident, alice: User, bob: User, visitor: Client
) -> None:
    run_due(after(5))
    mine, theirs = Page.objects.order_by("tier")
    with clock.simulated(after(6)):
        visitor.post(at(theirs), ACK)

    with clock.simulated(after(8)):
        seen = text_of(visitor.get(at(mine)))
        answer = visitor.post(at(mine), ACK)

    assert "Alice Abel acknowledged 2 min ago." in seen
    assert "I&#x27;m on it too" in seen or "I'm on it too" in seen
    assert answer.status_code == 200
    incident.refresh_from_db()
    assert (incident.acknowledged_by, incident.acknowledged_at) == (alice, after(6))
    acknowledged = Event.objects.filter(kind="incident.acknowledged").order_by("id")
    assert [event.actor for event in acknowledged] == [alice, bob]


def test_offers_the_button_again_once_it_is_armed_again(asked: Page, visitor: Client) -> None:
    with clock.simulated(after(2)):
        visitor.post(at(asked), ACK)
    run_due(after(32))

    with clock.simulated(after(33)):
        seen = text_of(visitor.get(at(asked)))
        answer = visitor.post(at(asked), ACK)

    assert "Bob Berg acknowledged 31 min ago, but paging goes on." in seen
    assert 'value="acknowledge">Acknowledge<' in seen
    assert "<form" not in text_of(answer)
    assert EscalationRun.objects.get().state == "acknowledged"


@pytest.mark.parametrize("body", [{}, {"action": "resolve"}, {"action": ""}])
def test_refuses_other_actions(asked: Page, visitor: Client, body: dict[str, str]) -> None:
    before = stored()

    with clock.simulated(after(1)):
        response = visitor.post(at(asked), body)

    assert response.status_code == 400
    assert "Use the button" in text_of(response)
    assert stored() == before


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_has_no_other_methods(asked: Page, visitor: Client, method: str) -> None:
    assert getattr(visitor, method)(at(asked)).status_code == 405


def _other_spelling(token: str) -> str:
    """The last character's unused bits set: the same bytes for a lenient decoder."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + letters[letters.index(token[-1]) + 1]


WRONG = {
    "one letter changed": lambda token: ("A" if token[0] != "A" else "B") + token[1:],
    "seal changed": lambda token: token[:30] + ("A" if token[30] != "A" else "B") + token[31:],
    "cut": lambda token: token[:-1],
    "longer": lambda token: token + "AAAA",
    "padded": lambda token: token + "==",
    "other spelling": _other_spelling,
    "other alphabet": lambda token: token.replace("-", "+").replace("_", "/") + "~",
    "upper case": str.upper,
    "not ASCII": lambda token: "ä" + token[1:],
    "another page's seal": lambda token: base64.urlsafe_b64encode(
        uuid.uuid4().bytes + base64.urlsafe_b64decode(token + "==")[16:]
    ).decode().rstrip("="),
    "a page that isn't": lambda token: token_of(uuid.uuid4()),
    "word": lambda token: "favicon.ico",
    "long": lambda token: "A" * 5000,
}  # fmt: skip


@pytest.mark.parametrize("how", WRONG)
@pytest.mark.parametrize("method", ["get", "post"])
def test_does_not_know_any_other_token(asked: Page, visitor: Client, how: str, method: str) -> None:
    before = stored()

    response = getattr(visitor, method)(f"/r/{WRONG[how](token_of(asked.pk))}", ACK)

    assert response.status_code == 404
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert asked.incident.reference not in text_of(response)
    assert stored() == before


def test_reads_the_token_that_it_writes() -> None:
    for _ in range(200):
        page_id = uuid.uuid4()
        token = token_of(page_id)
        assert (len(token), page_id_of(token)) == (46, page_id)


def test_depends_on_the_installations_key(asked: Page, visitor: Client, settings) -> None:
    address = at(asked)
    settings.SECRET_KEY = "another key of another installation"

    assert visitor.get(address).status_code == 404


@pytest.mark.parametrize("method", ["get", "post"])
def test_ends_after_72_hours(asked: Page, visitor: Client, method: str) -> None:
    before = stored()

    with clock.simulated(after(0) + PAGE_LIFETIME - datetime.timedelta(seconds=1)):
        assert visitor.get(at(asked)).status_code == 200
    with clock.simulated(after(0) + PAGE_LIFETIME):
        response = getattr(visitor, method)(at(asked), ACK)

    assert response.status_code == 410
    assert "expired" in text_of(response)
    assert stored() == before


@pytest.mark.parametrize("method", ["get", "post"])
def test_ends_with_the_account_of_its_person(
    asked: Page, visitor: Client, bob: User, method: str
) -> None:
    bob.is_active = False
    bob.save_as(people.system(), "is_active")
    before = stored()

    with clock.simulated(after(1)):
        response = getattr(visitor, method)(at(asked), ACK)

    assert response.status_code == 410
    assert stored() == before


def test_says_when_the_incident_is_over(
    asked: Page, incident: Incident, alice: User, visitor: Client
) -> None:
    with clock.simulated(after(1)):
        resolve(incident, actor=alice)
        before = stored()

        shown = visitor.get(at(asked))
        answer = visitor.post(at(asked), ACK)

    assert [shown.status_code, answer.status_code] == [200, 200]
    assert "This incident is resolved" in text_of(answer)
    assert "<form" not in text_of(shown)
    assert stored() == before


def test_shows_of_a_restricted_incident_its_reference_only(
    asked: Page, incident: Incident, alice: User, bob: User, visitor: Client
) -> None:
    with clock.simulated(after(1)):
        edit(incident, actor=alice, changes={"is_restricted": True})
        acknowledge(incident, actor=alice)

        shown = text_of(visitor.get(at(asked)))

    assert incident.reference in shown
    for words in ("slow", "Checkout", "SEV2", "Alice", "Bob", "tier"):
        assert words not in shown
    with clock.simulated(after(2)):
        assert visitor.post(at(asked), ACK).status_code == 200


def test_escapes_what_tools_say(policy, checkout, visitor: Client) -> None:
    with clock.simulated(after(0)):
        make_incidents.incident("<script>alert(1)</script>", service=checkout)
    run_due(after(0))

    with clock.simulated(after(1)):
        shown = text_of(visitor.get(at(Page.objects.get())))

    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_weighs_less_than_30_kb_with_its_style(asked: Page, visitor: Client) -> None:
    sheet = finders.find("escalation/page.css")
    assert isinstance(sheet, str)
    with open(sheet, "rb") as file, clock.simulated(after(1)):
        whole = visitor.get(at(asked)).content + file.read()

    assert len(whole) < 10_000
    assert len(gzip.compress(whole)) < 5_000


def test_needs_few_queries(asked: Page, visitor: Client, django_assert_max_num_queries) -> None:
    with clock.simulated(after(1)):
        with django_assert_max_num_queries(12):
            visitor.get(at(asked))
        with django_assert_max_num_queries(60):
            visitor.post(at(asked), ACK)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (47 * 3600, "47 h ago"),
        (48 * 3600, "2 days ago"),
    ],
)
def test_says_how_long_ago(seconds: int, words: str) -> None:
    assert ago(after(0), after(0) + datetime.timedelta(seconds=seconds)) == words
