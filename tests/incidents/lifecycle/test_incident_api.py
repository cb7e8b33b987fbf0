"""Incidents over HTTP: the contract, to the letter."""

import datetime

import pytest

from config import clock
from config.access.rules import Role
from config.errors import Blocker
from config.events import operations as events
from config.events.models import RestrictedRead
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import acknowledge, edit, resolve
from incidents.lifecycle.rules import State, verbs_from
from tests.config import make as people
from tests.incidents import make

URL = "/api/v1/incidents/"
FIELDS = {
    *("impact", "severity_basis", "provisional"),
    *("reference", "title", "description", "state", "severity", "service", "team", "unit"),
    *("component", "type", "category", "closure_code", "cause_code", "tags"),
    *("level", "restricted", "times", "acknowledged_by", "version", "allowed", "blockers"),
}
TIMES = {
    *("started", "detected", "reported", "acknowledged"),
    *("mitigated", "restored", "resolved", "closed"),
}


def at(incident: Incident, path: str = "") -> str:
    return f"{URL}{incident.reference}/{path}"


def test_opens_an_incident(checkout: Service, bob: User) -> None:
    client = people.api(bob)

    response = client.post(
        URL, {"title": "Checkout is slow", "service": "checkout", "level": "critical"}
    )

    assert response.status_code == 201, response.data
    assert set(response.data) == FIELDS
    assert set(response.data["times"]) == TIMES
    stored = Incident.objects.get()
    assert response.data["reference"] == stored.reference
    assert response["Location"].endswith(f"/api/v1/incidents/{stored.reference}/")
    assert (response.data["state"], response.data["severity"]) == ("new", "SEV1")
    assert (response.data["service"], response.data["team"]) == ("checkout", "payments")
    assert (response.data["unit"], response.data["version"]) == ("retail", 1)
    assert stored.source == "person"
    assert stored.history.get().origin == "api"


def test_opens_one_in_the_triage_queue(bob: User) -> None:
    make.triage_team()

    response = people.api(bob).post(URL, {"title": "Strange mail", "level": "info"})

    assert response.status_code == 201
    assert (response.data["service"], response.data["team"]) == (None, "triage")


@pytest.mark.parametrize(
    ("pointer", "body"),
    [
        ("#/title", {"service": "checkout", "level": "info"}),
        ("#/title", {"title": "", "service": "checkout", "level": "info"}),
        ("#/level", {"title": "Slow", "service": "checkout", "level": "awful"}),
        ("#/service", {"title": "Slow", "service": "unheard-of", "level": "info"}),
        ("#/service", {"title": "Slow", "service": "tracking", "level": "info"}),
        ("#/severity", {"title": "Slow", "level": "info", "severity": "SEV4"}),
        ("#/started_at", {"title": "Slow", "level": "info", "started_at": "2999-01-01T00:00:00Z"}),
    ],
)
def test_points_at_the_field_that_is_wrong(
    checkout: Service, tracking: Service, bob: User, pointer: str, body: dict[str, str]
) -> None:
    make.triage_team()

    response = people.api(bob).post(URL, body)

    assert response.status_code == 400
    assert [entry["pointer"] for entry in response.data["errors"]] == [pointer]
    assert not Incident.objects.exists()


def test_finds_an_incident_by_its_reference_in_any_case(incident: Incident, bob: User) -> None:
    response = people.api(bob).get(f"{URL}{incident.reference.lower()}/")

    assert response.status_code == 200
    assert response.data["reference"] == incident.reference
    assert response["ETag"] == '"v1"'


@pytest.mark.usefixtures("no_guards")
@pytest.mark.parametrize(
    ("verb", "body", "state"),
    [
        ("acknowledge", {"note": "on it"}, "new"),
        ("triage", {}, "triaged"),
        ("investigate", {}, "investigating"),
        ("monitor", {}, "monitoring"),
        ("resolve", {"note": "rolled back"}, "resolved"),
        ("cancel", {"reason": "duplicate"}, "cancelled"),
    ],
)
def test_does_a_verb_and_shows_what_became_of_it(
    incident: Incident, alice: User, verb: str, body: dict[str, str], state: str
) -> None:
    response = people.api(alice).post(at(incident, f"{verb}/"), body)

    assert response.status_code == 200, response.data
    assert set(response.data) == FIELDS
    assert response.data["state"] == state
    assert Incident.objects.get().state == state
    assert response.data["version"] == 2


@pytest.mark.usefixtures("no_guards")
def test_goes_the_long_way(incident: Incident, alice: User) -> None:
    client = people.api(alice)

    for verb in ("investigate", "mitigate", "resolve", "close"):
        response = client.post(at(incident, f"{verb}/"), {})
        assert response.status_code == 200, response.data
    closed = response.data["times"]
    response = client.post(at(incident, "reopen/"), {"reason": "It is back."})

    assert all(closed[which] for which in ("mitigated", "restored", "resolved", "closed"))
    assert response.data["state"] == "investigating"
    assert response.data["times"]["resolved"] is None
    assert response.data["times"]["mitigated"] == closed["mitigated"]


@pytest.mark.check("INC-18.1")
@pytest.mark.usefixtures("no_guards")
def test_answers_409_with_the_verbs_that_are_allowed(checkout: Service, alice: User) -> None:
    for state in State:
        incident = make.incident_in(state, service=checkout)
        verb = "mitigate" if state != "investigating" else "close"

        response = people.api(alice).post(at(incident, f"{verb}/"), {})

        assert response.status_code == 409
        assert response["Content-Type"] == "application/problem+json"
        assert response.data["code"] == "transition_refused"
        assert response.data["allowed"] == verbs_from(state)
        assert Incident.objects.get(pk=incident.pk).state == state


def test_answers_200_to_a_repeated_acknowledgement(incident: Incident, alice: User) -> None:
    client = people.api(alice)
    first = client.post(at(incident, "acknowledge/"), {})

    second = client.post(at(incident, "acknowledge/"), {})

    assert (first.status_code, second.status_code) == (200, 200)
    assert second.data["acknowledged_by"] == "alice"
    assert second.data["version"] == first.data["version"]
    assert incident.timeline.count() == 2


def test_answers_403_to_a_tool_that_acknowledges(incident: Incident, checkout: Service) -> None:
    tool = people.service_account("deployer")
    people.role(Role.INTEGRATOR, to=tool, on=checkout.team)

    response = people.api(tool).post(at(incident, "acknowledge/"), {})

    assert (response.status_code, response.data["code"]) == (403, "human_required")
    assert Incident.objects.get().acknowledged_at is None


def test_takes_an_earlier_time(incident: Incident, alice: User) -> None:
    earlier = clock.now() - datetime.timedelta(minutes=9)

    response = people.api(alice).post(
        at(incident, "acknowledge/"), {"at": earlier.isoformat(), "note": "by phone"}
    )

    assert response.status_code == 200
    assert Incident.objects.get().acknowledged_at == earlier


def test_lists_what_the_caller_can_do(incident: Incident, alice: User, bob: User, carol) -> None:
    allowed = {
        who.username: set(people.api(who).get(at(incident)).data["allowed"])
        for who in (alice, bob, carol)
    }

    responding = {"acknowledge", "triage", "investigate", "monitor", "resolve"}
    assert allowed == {"alice": {*responding, "cancel"}, "bob": responding, "carol": set()}


def test_shows_blockers_of_one_incident_and_never_in_lists(
    incident: Incident, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocker = Blocker("review_missing", "Write the review.", "/review/")
    monkeypatch.setattr(events, "_guards", {"incident.resolve": [lambda subject: [blocker]]})
    client = people.api(alice)

    assert client.get(at(incident)).data["blockers"] == [blocker.as_dict()]
    assert client.get(URL).data["results"][0]["blockers"] == []
    response = client.post(at(incident, "resolve/"), {})
    assert (response.status_code, response.data["code"]) == (409, "blocked")
    assert response.data["blockers"] == [blocker.as_dict()]


def test_edits_with_the_version_that_was_read(incident: Incident, bob: User) -> None:
    client = people.api(bob)

    missing = client.patch(at(incident), {"title": "Slow"})
    stale = client.patch(at(incident), {"title": "Slow"}, HTTP_IF_MATCH='"v0"')
    good = client.patch(at(incident), {"title": "Slow"}, HTTP_IF_MATCH='"v1"')

    assert [each.status_code for each in (missing, stale, good)] == [428, 412, 200]
    assert (good.data["title"], good.data["version"]) == ("Slow", 2)
    assert good["ETag"] == '"v2"'


@pytest.mark.parametrize("field", ["state", "severity", "reference", "acknowledged_by"])
def test_edits_nothing_else(incident: Incident, bob: User, field: str) -> None:
    response = people.api(bob).patch(at(incident), {field: "x"}, HTTP_IF_MATCH='"v1"')

    assert response.status_code == 400
    assert response.data["errors"][0]["pointer"] == f"#/{field}"
    assert Incident.objects.get().revision == 1


def test_shows_who_changed_what_from_where_and_why(incident: Incident, alice: User) -> None:
    people.api(alice).post(at(incident, "cancel/"), {"reason": "duplicate"})

    latest = people.api(alice).get(at(incident, "history/")).data["results"][0]

    assert (latest["actor"], latest["origin"], latest["reason"]) == ("alice", "api", "duplicate")
    assert {"field": "state", "old": "new", "new": "cancelled"} in latest["changes"]


def test_is_changed_by_no_other_method(incident: Incident, alice: User) -> None:
    client = people.api(alice)

    assert client.put(at(incident), {}).status_code == 405
    assert client.delete(at(incident), HTTP_IF_MATCH="*").status_code == 405
    assert Incident.objects.count() == 1


@pytest.mark.usefixtures("no_guards")
def test_filters_the_list(checkout: Service, alice: User) -> None:
    new = make.incident("Queue is full", service=checkout, level="critical")
    ended = make.incident_in("resolved", title="Card reader fails", service=checkout)
    acknowledge(new, actor=alice)
    client = people.api(alice)
    both = {new.reference, ended.reference}
    hour_ago = (clock.now() - datetime.timedelta(hours=1)).isoformat()
    found = {
        "state=new": {new.reference},
        "state=new&state=resolved": both,
        "severity=SEV1": {new.reference},
        "service=checkout": both,
        "team=payments": both,
        "unit=freight": set(),
        "level=error": {ended.reference},
        "open=true": {new.reference},
        "open=false": {ended.reference},
        "acknowledged=true": {new.reference},
        "acknowledged=false": {ended.reference},
        "opened_before=2020-01-01T00:00:00Z": set(),
        "opened_after=2020-01-01T00:00:00Z": both,
        f"updated_since={hour_ago.replace('+', '%2B')}": both,
        "q=card": {ended.reference},
        f"q={new.reference.lower()}": {new.reference},
    }

    for query, expected in found.items():
        response = client.get(f"{URL}?{query}")
        assert response.status_code == 200, (query, response.data)
        assert {row["reference"] for row in response.data["results"]} == expected, query


@pytest.mark.parametrize(
    "query",
    [
        "status=new",
        "state=odd",
        "state=",
        "open=perhaps",
        "opened_after=x",
        "opened_after=",
        "opened_before=2026-02-01T00:00:00",
    ],
)
def test_refuses_a_filter_that_it_does_not_know(alice: User, query: str) -> None:
    response = people.api(alice).get(f"{URL}?{query}")

    if query != "open=perhaps":  # django-filter takes any other word for no filter
        assert response.status_code == 400
        assert response["Content-Type"] == "application/problem+json"


@pytest.mark.usefixtures("no_guards")
def test_keeps_claims_and_lets_one_be_chosen(incident: Incident, alice: User) -> None:
    client = people.api(alice)
    first = {"which": "started", "at": "2026-01-01T10:05:00Z", "source": "customer"}
    second = {"which": "started", "at": "2026-01-01T09:48:00Z", "source": "telemetry"}

    assert client.post(at(incident, "time-claims/"), first).status_code == 201
    claim = client.post(at(incident, "time-claims/"), second).data
    without = client.post(at(incident, "choose-time/"), {"claim": claim["id"]})
    chosen = client.post(
        at(incident, "choose-time/"), {"claim": claim["id"], "reason": "The graph shows it."}
    )

    assert (without.status_code, without.data["errors"][0]["pointer"]) == (400, "#/reason")
    assert chosen.status_code == 200
    assert chosen.data["times"]["started"] == "2026-01-01T09:48:00Z"
    claims = client.get(at(incident, "time-claims/")).data["results"]
    started = {each["source"]: each["effective"] for each in claims if each["which"] == "started"}
    assert started == {"telemetry": True, "customer": False}


def test_answers_400_to_a_claim_that_is_not_there(incident: Incident, alice: User) -> None:
    response = people.api(alice).post(at(incident, "choose-time/"), {"claim": 999})

    assert response.status_code == 400


def test_answers_a_repeated_key_with_the_first_answer(checkout: Service, bob: User) -> None:
    client = people.api(bob)
    body = {"title": "Checkout is slow", "service": "checkout", "level": "info"}

    first = client.post(URL, body, HTTP_IDEMPOTENCY_KEY="a-key")
    second = client.post(URL, body, HTTP_IDEMPOTENCY_KEY="a-key")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.data["reference"] == second.json()["reference"]
    assert Incident.objects.count() == 1


def test_notes_who_read_a_restricted_incident(incident: Incident, alice: User) -> None:
    edit(incident, actor=alice, changes={"is_restricted": True})
    client = people.api(alice)

    client.get(at(incident))
    client.get(URL)

    reads = RestrictedRead.objects.values_list("actor", "subject_ids", "origin")
    assert list(reads) == [(alice.pk, [incident.pk], "api")] * 2


@pytest.mark.usefixtures("no_guards")
def test_needs_no_more_queries_for_a_longer_list(
    checkout: Service, alice: User, django_assert_max_num_queries
) -> None:
    client = people.api(alice)
    for state in ("new", "resolved", "closed"):
        make.incident_in(state, service=checkout)
    client.get(URL)
    with django_assert_max_num_queries(16) as few:
        client.get(URL)

    for state in State:
        acknowledge_all(make.incident_in(state, service=checkout), alice)
    with django_assert_max_num_queries(16) as many:
        assert len(client.get(URL).data["results"]) == 11

    assert len(many) == len(few)


def acknowledge_all(incident: Incident, person: User) -> None:
    if incident.is_open:
        acknowledge(incident, actor=person)


def test_resolves_with_few_queries(
    incident: Incident, alice: User, django_assert_max_num_queries
) -> None:
    with django_assert_max_num_queries(14):
        resolve(incident, actor=alice)
