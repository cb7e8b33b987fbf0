"""Who may do what, on every route."""

from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from config.organisation.models import User
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import edit, let_in
from tests.access.asking import undone
from tests.config import make as people
from tests.incidents import make

BASE = "/api/v1/incidents/{}/"
REASON = {"reason": "because of a test"}
# (method, path below the incident, body) -> alice commands, bob responds, carol audits.
ROUTES = {
    ("get", "", None): (200, 200, 200),
    ("patch", "", (("title", "Slow"),)): (200, 200, 403),
    ("get", "history/", None): (200, 200, 200),
    ("get", "timeline/", None): (200, 200, 200),
    ("post", "timeline/", (("text", "A line"),)): (201, 201, 403),
    ("get", "time-claims/", None): (200, 200, 200),
    ("get", "ownership/", None): (200, 200, 200),
    ("get", "raci/", None): (200, 200, 200),
    ("get", "boundaries/", None): (200, 200, 200),
    (
        "post",
        "time-claims/",
        (("which", "started"), ("at", "2026-01-01T00:00:00Z")),
    ): (201, 201, 403),
    ("post", "choose-time/", (("claim", 987654321),)): (400, 403, 403),
    ("post", "acknowledge/", ()): (200, 200, 403),
    ("post", "triage/", ()): (200, 200, 403),
    ("post", "investigate/", ()): (200, 200, 403),
    ("post", "mitigate/", ()): (409, 409, 403),
    ("post", "monitor/", ()): (200, 200, 403),
    ("post", "resolve/", ()): (200, 200, 403),
    ("post", "close/", ()): (409, 403, 403),
    ("post", "cancel/", tuple(REASON.items())): (200, 403, 403),
    ("post", "reopen/", tuple(REASON.items())): (409, 403, 403),
    ("post", "revise-impact/", (("users_affected", 5),)): (200, 200, 403),
    ("get", "severity-changes/", None): (200, 200, 200),
    (
        "post",
        "severity-changes/",
        (("to", "SEV3"), ("reason_code", "misjudged"), ("justification", "x")),
    ): (201, 201, 403),
    ("post", "decide-severity/", (("change", 987654321), ("approve", True))): (409, 403, 403),
    ("post", "withdraw-severity/", ()): (409, 409, 403),
    ("post", "declare-provisional/", (("justification", "x"),)): (200, 403, 403),
    ("post", "confirm-provisional/", ()): (409, 403, 403),
    ("post", "lower-provisional/", (("to", "SEV3"), ("justification", "x"))): (409, 403, 403),
    ("post", "extend-provisional/", tuple(REASON.items())): (403, 403, 403),
    ("get", "engagements/", None): (200, 200, 200),
    ("get", "components/", None): (200, 200, 200),
    ("post", "components/", (("name", "Search"), ("state", "down"))): (201, 201, 403),
    ("post", "split-off/", (("owner", "bob"), ("reason", "x"))): (400, 400, 403),
    ("get", "links/", None): (200, 200, 200),
}
PEOPLE = ("alice", "bob", "carol", "mallory")

pytestmark = pytest.mark.usefixtures("no_guards")


def call(person: User, incident: Incident, method: str, path: str, body: Any):
    client = people.api(person)
    headers = {"HTTP_IF_MATCH": "*"} if method == "patch" else {}
    data = dict(body) if body is not None else None
    return getattr(client, method)(BASE.format(incident.reference) + path, data, **headers)


@pytest.mark.parametrize("who", PEOPLE)
def test_answers_by_what_the_caller_may(
    request: pytest.FixtureRequest, incident: Incident, who: str
) -> None:
    person, column = request.getfixturevalue(who), PEOPLE.index(who)

    answered = {route: undone(partial(traced, person, incident, *route)) for route in ROUTES}

    expected = {route: (*answers, 404)[column] for route, answers in ROUTES.items()}
    assert {route: status for route, (status, _) in answered.items()} == expected
    assert [
        route for route, (status, changed) in answered.items() if changed > (status < 400)
    ] == []


def traced(person: User, incident: Incident, method: str, path: str, body: Any) -> tuple[int, bool]:
    """The status, and whether history or timeline grew."""
    before = Incident.objects.get().history.count(), incident.timeline.count()
    status = call(person, incident, method, path, body).status_code
    return status, (Incident.objects.get().history.count(), incident.timeline.count()) != before


def test_answers_401_without_a_token(incident: Incident, client: Client) -> None:
    answered = {
        (method, path): getattr(client, method)(BASE.format(incident.reference) + path).status_code
        for method, path, _ in ROUTES
    }

    assert set(answered.values()) == {401}


def test_hides_a_restricted_incident_from_its_own_team(
    incident: Incident, alice: User, bob: User
) -> None:
    edit(incident, actor=alice, changes={"is_restricted": True})

    answered = {route: call(bob, incident, *route).status_code for route in ROUTES}

    assert set(answered.values()) == {404}


def test_has_every_route_in_the_table() -> None:
    resolvers: Any = get_resolver().url_patterns
    patterns = [
        pattern
        for resolver in resolvers
        if str(resolver.pattern) == "api/v1/"
        for pattern in resolver.url_patterns
        if str(pattern.pattern).startswith("^incidents/(?P<reference>")
    ]
    routes = {
        (method, str(pattern.pattern).split("[^/]+)/")[1].rstrip("$"))
        for pattern in patterns
        for method in pattern.callback.actions
        if method != "head"
    }

    assert routes == {(method, path) for method, path, _ in ROUTES}


def test_betrays_a_restricted_incident_nowhere(
    incident: Incident, alice: User, bob: User, carol: User
) -> None:
    edit(incident, actor=alice, changes={"is_restricted": True})

    for person in (bob, carol):
        client = people.api(person)
        for query in ("", "?q=checkout", f"?q={incident.reference}", "?service=checkout"):
            assert client.get(f"/api/v1/incidents/{query}").data["results"] == []
        pages = people.browser(person)
        listed = pages.get("/admin/incidents/incident/", {"q": incident.reference})
        assert incident.title not in listed.content.decode()
        assert pages.get(f"/admin/incidents/incident/{incident.pk}/change/").status_code == 404
        assert pages.get(f"/admin/incidents/incident/{incident.pk}/history/").status_code == 404
        lines = pages.get("/admin/incidents/timelineentry/")
        assert incident.title not in lines.content.decode()


def test_shows_a_restricted_incident_to_whom_it_was_opened(
    incident: Incident, alice: User, bob: User
) -> None:
    edit(incident, actor=alice, changes={"is_restricted": True})
    let_in(incident, bob, actor=alice)

    response = people.api(bob).get(BASE.format(incident.reference))

    assert (response.status_code, response.data["restricted"]) == (200, True)


def test_may_see_exactly_what_is_visible(
    incident: Incident, alice: User, bob: User, carol: User, mallory: User, tracking
) -> None:
    other = make.incident(service=tracking)
    hidden = make.incident(service=incident.service, actor=alice, is_restricted=True)

    for person in (alice, bob, carol, mallory):
        visible = set(Incident.objects.visible_to(person))
        may = {each for each in (incident, other, hidden) if person.has_perm("view", each)}
        assert visible == may


def test_is_not_opened_on_a_service_that_is_only_visible(carol: User, checkout) -> None:
    response = people.api(carol).post(
        "/api/v1/incidents/", {"title": "Slow", "service": "checkout", "level": "info"}
    )

    assert response.status_code == 403
    assert not Incident.objects.exists()


def test_is_not_opened_in_the_queue_by_an_auditor(carol: User) -> None:
    make.triage_team()

    response = people.api(carol).post("/api/v1/incidents/", {"title": "Slow", "level": "info"})

    assert response.status_code == 403
    assert not Incident.objects.exists()
