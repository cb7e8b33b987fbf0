"""Incidents in the admin."""

import pytest
from django.test import Client

from config.errors import Blocker
from config.events import operations as events
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import acknowledge, edit, resolve
from incidents.lifecycle.rules import State, verbs_from
from incidents.timeline.operations import add_note
from tests.config import make as people
from tests.incidents import make

LIST = "/admin/incidents/incident/"


def page_of(incident: Incident, path: str = "change/") -> str:
    return f"{LIST}{incident.pk}/{path}"


def text_of(response) -> str:
    return str(response.content.decode())


def add_form(**values: str) -> dict[str, str]:
    return {"title": "Checkout is slow", "level": "error", "description": "", **values}


def test_opens_an_incident_by_the_operation(checkout: Service, bob: User) -> None:
    response = people.browser(bob).post(f"{LIST}add/", add_form(service=str(checkout.pk)))

    assert response.status_code == 302, text_of(response)
    stored = Incident.objects.get()
    assert (stored.severity, stored.team, stored.source) == ("SEV2", checkout.team, "person")
    assert stored.history.get().origin == "admin"
    assert stored.timeline.get().event.kind == "incident.opened"


def test_shows_a_refusal_beside_its_field(checkout: Service, bob: User) -> None:
    checkout.status = "retired"
    checkout.save_as(people.system(), "status")

    response = people.browser(bob).post(f"{LIST}add/", add_form(service=str(checkout.pk)))

    assert response.status_code == 200
    assert "is retired" in text_of(response)
    assert not Incident.objects.exists()


def test_opens_none_on_a_service_of_others(tracking: Service, bob: User) -> None:
    response = people.browser(bob).post(f"{LIST}add/", add_form(service=str(tracking.pk)))

    assert response.status_code == 200
    assert not Incident.objects.exists()


def test_edits_with_a_reason(incident: Incident, bob: User) -> None:
    response = people.browser(bob).post(
        page_of(incident),
        {
            "title": "Slow",
            "description": "",
            "service": incident.service_id,
            "team": incident.team_id,
            "level": incident.level,
            "edit_reason": "clearer",
            "seen_revision": incident.revision,
            "time_claims-TOTAL_FORMS": 0,
            "time_claims-INITIAL_FORMS": 0,
        },
    )

    assert response.status_code == 302, text_of(response)
    stored = Incident.objects.get()
    assert stored.title == "Slow"
    row = stored.history.first()
    assert (row.history_change_reason, row.origin) == ("clearer", "admin")


def test_shows_facts_verbs_and_timeline(incident: Incident, alice: User) -> None:
    add_note(incident, actor=alice, text="**Queue** <script>", kind="observation")

    page = text_of(people.browser(alice).get(page_of(incident)))

    assert incident.reference in page
    assert "SEV2" in page
    assert "Acknowledge" in page
    assert "<strong>Queue</strong> &lt;script&gt;" in page
    assert "fields changed" in page


@pytest.mark.usefixtures("no_guards")
def test_shows_only_lines_of_the_kind_that_is_asked_for(incident: Incident, alice: User) -> None:
    add_note(incident, actor=alice, text="We roll back.", kind="decision")
    add_note(incident, actor=alice, text="Latency grows.", kind="observation")

    page = text_of(people.browser(alice).get(f"{page_of(incident)}?kind=decision"))

    assert "We roll back." in page
    assert "Latency grows." not in page
    assert "Opened as SEV2" not in page


def test_acknowledges_with_one_click(incident: Incident, alice: User) -> None:
    response = people.browser(alice).post(page_of(incident, "do/acknowledge/"))

    assert response.status_code == 302
    stored = Incident.objects.get()
    assert stored.acknowledged_by == alice
    assert make.last_line(stored).origin == "admin"


@pytest.mark.check("INC-18.1")
@pytest.mark.usefixtures("no_guards")
def test_refuses_what_the_table_does_not_have_and_says_what_it_has(
    checkout: Service, alice: User
) -> None:
    browser = people.browser(alice)
    for state in State:
        incident = make.incident_in(state, service=checkout)
        verb = "mitigate" if state != "investigating" else "close"

        response = browser.post(page_of(incident, f"do/{verb}/"), {"note": ""})

        page = text_of(response)
        assert f"{incident.reference} is {state}" in page
        if verbs_from(state):
            assert f"Possible now: {', '.join(verbs_from(state))}." in page
        assert Incident.objects.get(pk=incident.pk).state == state
        offered = text_of(browser.get(page_of(incident)))
        for name in ("triage", "investigate", "mitigate", "monitor", "resolve", "close", "cancel"):
            assert (f"/do/{name}/" in offered) == (name in verbs_from(state)), (state, name)


def test_shows_what_is_missing_before_the_button(
    incident: Incident, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocker = Blocker("review_missing", "Write the review first.", "/review/")
    monkeypatch.setattr(events, "_guards", {"incident.close": [lambda subject: [blocker]]})
    resolve(incident, actor=alice)
    browser = people.browser(alice)

    assert "Write the review first." in text_of(browser.get(page_of(incident)))
    response = browser.post(page_of(incident, "do/close/"), {"note": ""})

    assert "Write the review first." in text_of(response)
    assert Incident.objects.get().state == "resolved"


def test_cancels_with_a_reason_only(incident: Incident, alice: User) -> None:
    browser = people.browser(alice)

    assert browser.post(page_of(incident, "do/cancel/"), {"reason": ""}).status_code == 200
    assert Incident.objects.get().state == "new"
    assert browser.post(page_of(incident, "do/cancel/"), {"reason": "twice"}).status_code == 302

    assert Incident.objects.get().history.first().history_change_reason == "twice"


def test_adds_and_corrects_lines(incident: Incident, bob: User) -> None:
    browser = people.browser(bob)
    note = page_of(incident, "do/note/")

    assert browser.post(note, {"kind": "action", "text": "Restarted."}).status_code == 302
    line = incident.timeline.get(kind="action")
    correction = {"kind": "action", "text": "Restarted db-2.", "supersedes": str(line.pk)}
    assert browser.post(note, correction).status_code == 302
    again = browser.post(note, correction)

    assert incident.timeline.get(supersedes=line).text == "Restarted db-2."
    assert "corrected already" in text_of(again)
    assert incident.timeline.filter(kind="action").count() == 2
    assert f"corrected by line {line.superseded_by.pk}" in text_of(browser.get(page_of(incident)))


def test_acknowledges_many_with_one_reason(checkout: Service, alice: User, bob: User) -> None:
    first, second = make.incident(service=checkout), make.incident(service=checkout)
    over = make.incident_in("cancelled", service=checkout)
    chosen = {
        "action": "acknowledge",
        "_selected_action": [first.pk, second.pk, over.pk],
        "reason": "alert storm",
    }

    response = people.browser(alice).post(LIST, chosen, follow=True)

    assert "Acknowledge: 2 done, 1 refused" in text_of(response)
    acknowledged = Incident.objects.filter(acknowledged_by=alice)
    assert set(acknowledged) == {first, second}
    assert first.history.first().history_change_reason == "alert storm"


def test_acknowledges_none_without_a_reason(incident: Incident, alice: User) -> None:
    chosen = {"action": "acknowledge", "_selected_action": [incident.pk], "reason": " "}

    response = people.browser(alice).post(LIST, chosen, follow=True)

    assert "write a reason" in text_of(response)
    assert Incident.objects.get().acknowledged_at is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"open", "taken", "resolved"}),
        ("attention=open", {"open", "taken"}),
        ("attention=unacknowledged", {"open"}),
        ("attention=acknowledged", {"taken"}),
        ("attention=unclosed", {"resolved"}),
        ("attention=ended", set()),
        ("state__exact=resolved", {"resolved"}),
        ("q=taken", {"taken"}),
    ],
)
def test_filters_and_searches(checkout: Service, alice: User, query: str, expected) -> None:
    make.incident("title of the open", service=checkout)
    acknowledge(make.incident("title of the taken", service=checkout), actor=alice)
    make.incident_in("resolved", title="title of the resolved", service=checkout)

    page = text_of(people.browser(alice).get(f"{LIST}?{query}"))

    shown = {name for name in ("open", "taken", "resolved") if f"title of the {name}" in page}
    assert shown == expected


def test_finds_a_reference(incident: Incident, checkout: Service, alice: User) -> None:
    make.incident("Another", service=checkout)

    page = text_of(people.browser(alice).get(f"{LIST}?q={incident.reference.lower()}"))

    assert incident.title in page
    assert "Another" not in page


def test_shows_the_history_with_its_fields(incident: Incident, alice: User) -> None:
    edit(incident, actor=alice, changes={"title": "Slow"}, reason="shorter")

    page = text_of(people.browser(alice).get(page_of(incident, "history/")))

    assert "shorter" in page
    assert "Checkout is slow" in page


def test_says_what_needs_the_visitor_on_the_home_page(
    incident: Incident, checkout: Service, alice: User, carol: User, mallory: User
) -> None:
    make.incident("Everything is down", service=checkout, level="critical")

    pages = {each: text_of(people.browser(each).get("/admin/")) for each in (alice, carol, mallory)}

    assert "Unacknowledged incidents that I can act on" in pages[alice]
    assert "Unacknowledged incidents that I can act on" not in pages[carol]
    assert "Everything is down" in pages[carol]
    assert "Everything is down" not in pages[mallory]


@pytest.mark.parametrize(
    ("who", "path", "expected"),
    [
        ("carol", "change/", 200),
        ("carol", "do/acknowledge/", 403),
        ("carol", "do/note/", 403),
        ("bob", "do/close/", 403),
        ("mallory", "change/", 404),
        ("mallory", "history/", 404),
        ("mallory", "do/acknowledge/", 404),
        ("mallory", "do/note/", 404),
        ("root", "delete/", 403),
    ],
)
def test_answers_by_what_the_visitor_may(
    request: pytest.FixtureRequest, incident: Incident, who: str, path: str, expected: int
) -> None:
    browser: Client = people.browser(request.getfixturevalue(who))
    before = incident.history.count(), incident.timeline.count()

    assert browser.get(page_of(incident, path)).status_code == expected
    posted = browser.post(page_of(incident, path), {"kind": "action", "text": "x"})

    assert posted.status_code in (expected, 403)
    assert (incident.history.count(), incident.timeline.count()) == before


@pytest.mark.usefixtures("no_guards")
def test_needs_no_more_queries_for_a_longer_list(
    checkout: Service, alice: User, django_assert_max_num_queries
) -> None:
    browser = people.browser(alice)
    make.incident(service=checkout)
    browser.get(LIST)
    with django_assert_max_num_queries(60) as few:
        browser.get(LIST)

    for state in State:
        make.incident_in(state, service=checkout)
    with django_assert_max_num_queries(60) as many:
        browser.get(LIST)

    assert len(many) == len(few)


def test_needs_no_more_queries_for_a_longer_timeline(
    incident: Incident, alice: User, django_assert_max_num_queries
) -> None:
    browser = people.browser(alice)
    add_note(incident, actor=alice, text="A line", kind="action")
    browser.get(page_of(incident))
    with django_assert_max_num_queries(80) as few:
        browser.get(page_of(incident))

    for _ in range(20):
        add_note(incident, actor=alice, text="A line", kind="action")
    with django_assert_max_num_queries(80) as many:
        browser.get(page_of(incident))

    assert len(many) == len(few)
