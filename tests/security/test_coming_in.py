"""What comes in: bodies made to break, fields that nobody may set, rows that are not theirs."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from compliance.evidence.models import Export
from compliance.evidence.operations import file_of
from config.access.rules import Role
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.timeline.models import TimelineEntry
from incidents.timeline.operations import record
from tests.access.world import World, make_world
from tests.config import make
from tests.incidents import make as make_incidents

INCIDENTS = "/api/v1/incidents/"
GOOD = {"title": "Slow", "service": "checkout", "level": "error"}
MARKUP = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "[click](javascript:alert(1))",
    "{{7*7}}{% debug %}",
)


def raw(client: APIClient, body: bytes, url: str = INCIDENTS) -> Any:
    send: Any = client.generic  # its stubs know text bodies only
    return send("POST", url, body, "application/json")


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"[" * 2_000 + b"]" * 2_000,
        b"\xff\xfe",
        b"",
        b"nul",
        b"[]",
        b'"text"',
        b"NaN",
        b'{"title": NaN, "service": "checkout", "level": "error"}',
        b'{"title": ' + b"9" * 5_000 + b', "service": "checkout", "level": "error"}',
        b'{"title": 1e999, "service": "checkout", "level": "error"}',
        b'{"title": {"a": 1}, "service": ["checkout"], "level": {}}',
        json.dumps({**GOOD, "title": "a\0b"}).encode(),
        json.dumps({**GOOD, "title": "\ud800"}).encode(),
        json.dumps({**GOOD, "service": "\0"}).encode(),
        json.dumps({**GOOD, "service": "\udfff"}).encode(),
        json.dumps({**GOOD, "title": "x" * 900_000}).encode(),
        json.dumps({**GOOD, "\ud800": 1}).encode(),
    ],
    ids=lambda body: body[:30].decode(errors="replace"),
)
def test_answers_a_body_made_to_break_with_a_problem(checkout: Service, alice: User, body: bytes):
    answer = raw(make.api(alice), body)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert not Incident.objects.exists()


@pytest.mark.parametrize("text", ["\0", "\ud800", "x" * 300_000, "\u202e", "%00"])
@pytest.mark.parametrize("where", ["q", "cursor", "page_size", "service", "state"])
def test_answers_an_odd_parameter_without_an_error(alice: User, where: str, text: str):
    quoted = text.encode("utf-8", "surrogatepass")[:20_000]
    query = "".join(f"%{byte:02x}" for byte in quoted)

    answer = make.api(alice).get(f"{INCIDENTS}?{where}={query}")

    assert answer.status_code in (200, 400)


@pytest.mark.parametrize("reference", ["%00", "%ED%A0%80", "..%2F..%2Fetc%2Fpasswd", "x" * 5_000])
@pytest.mark.parametrize("place", ["/api/v1/incidents/{}/", "/api/v1/services/{}/", "/r/{}",
                                   "/admin/incidents/incident/{}/change/", "/problems/{}",
                                   "/api/v1/exports/{}/download/"])  # fmt: skip
def test_answers_an_odd_address_with_404(root: User, reference: str, place: str):
    client = make.browser(root)

    assert client.get(place.format(reference)).status_code == 404


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x" * 500_000])
def test_answers_an_odd_form_without_an_error(checkout: Service, alice: User, text: str):
    found = make_incidents.incident(service=checkout, actor=alice)
    form = {
        "text": text.encode("utf-8", "surrogatepass"),
        "title": text.encode("utf-8", "surrogatepass"),
    }
    client = make.browser(alice)
    before = TimelineEntry.objects.count()

    statuses = [
        client.post(f"/admin/incidents/incident/{found.pk}/{page}/", form).status_code
        for page in ("do/note", "change")
    ]

    assert set(statuses) <= {200, 400}
    assert TimelineEntry.objects.count() == before


@pytest.mark.parametrize(
    "field",
    ["severity", "state", "reference", "version", "acknowledged_by", "times", "id", "is_restricted",
     "created_at", "team", "actor"],
)  # fmt: skip
def test_sets_no_field_that_is_not_offered(checkout: Service, alice: User, field: str):
    found = make_incidents.incident(service=checkout, actor=alice)
    client = make.api(alice)
    before = Incident.objects.values().get()

    made = client.post(INCIDENTS, {**GOOD, field: 1})
    edited = client.patch(f"{INCIDENTS}{found.reference}/", {field: 1}, HTTP_IF_MATCH="*")

    assert (made.status_code, edited.status_code) == (400, 400)
    assert Incident.objects.values().get() == before


def test_makes_nobody_a_superuser_by_an_extra_field(alice: User, root: User):
    client = make.api(root)

    answers = [
        client.patch("/api/v1/users/alice/", {field: True}, HTTP_IF_MATCH="*").status_code
        for field in ("is_superuser", "password", "groups", "user_permissions", "kind", "is_active")
    ]

    assert set(answers) == {400}
    assert not User.objects.get(username="alice").is_superuser


def test_takes_over_no_superuser(root: User):
    admin = make.user("deputy")
    make.role(Role.PLATFORM_ADMINISTRATOR, to=admin)
    client, password = make.api(admin), User.objects.get(pk=root.pk).password

    answers = [
        client.patch("/api/v1/users/root/", {"email": "deputy2@example.org"}, HTTP_IF_MATCH="*"),
        client.post("/api/v1/users/root/deactivate/", {"reason": "Mine now"}),
    ]
    page = make.browser(admin).post(
        f"/admin/config/user/{root.pk}/do/set_password/",
        {"password": "correct horse battery", "again": "correct horse battery"},
    )

    assert [answer.status_code for answer in answers] == [403, 403]
    assert page.status_code == 403
    stored = User.objects.get(pk=root.pk)
    assert (stored.email, stored.is_active, stored.password) == (root.email, True, password)


@pytest.mark.parametrize("way", ["role", "team", "member"])
def test_gives_nobody_a_role_by_themselves(payments: Any, way: str):
    manager = make.user("manager")
    make.role(Role.UNIT_ADMINISTRATOR, to=manager, on=payments.unit)
    make.role(Role.INCIDENT_COMMANDER, to=payments, on=payments)
    given = {"role": "policy_approver", "container_type": "unit", "container": "retail",
             "reason": "why not"}  # fmt: skip
    client = make.api(manager)

    if way == "role":
        answer = client.post("/api/v1/role-assignments/", {**given, "person": "manager"})
    elif way == "member":
        answer = client.post("/api/v1/teams/payments/add-member/", {"user": "manager"})
    else:
        make.join(payments, manager)
        answer = client.post("/api/v1/role-assignments/", {**given, "team": "payments"})

    assert (answer.status_code, answer.json()["code"]) == (409, "role_self_grant")


def test_names_no_row_of_others_in_a_body(checkout: Service, alice: User, mallory: User):
    """A service that she may not see, and one that isn't there, are one and the same answer."""
    client = make.api(mallory)

    hidden = client.post(INCIDENTS, GOOD).json()
    missing = client.post(INCIDENTS, {**GOOD, "service": "checkouu"}).json()

    for answer in (hidden, missing):
        answer.pop("request_id")
    assert hidden["errors"] == [
        {**missing["errors"][0], "detail": missing["errors"][0]["detail"].replace("uu", "ut")}
    ]
    assert hidden["status"] == 400


def test_tells_hidden_from_missing_by_nothing(checkout: Service, alice: User, mallory: User):
    """The same queries run, so that not even the clock tells one from the other."""
    found = make_incidents.incident(service=checkout, actor=alice)
    client = make.api(mallory)
    client.get(INCIDENTS)
    answers, counts = [], []
    for reference in (found.reference, "INC-999999"):
        with CaptureQueriesContext(connection) as queries:
            answers.append(client.get(f"{INCIDENTS}{reference}/"))
        counts.append([query["sql"].replace(reference, "") for query in queries.captured_queries])

    texts = [{k: v for k, v in each.json().items() if k not in ("instance", "request_id")}
             for each in answers]  # fmt: skip
    assert texts[0] == texts[1]
    assert len(counts[0]) == len(counts[1])


@pytest.mark.parametrize("text", MARKUP)
def test_shows_markup_as_text(checkout: Service, alice: User, text: str):
    found = make_incidents.incident(text, service=checkout, actor=alice)
    record(found, "note.added", actor=alice, text=text)
    client = make.browser(alice)

    row = f"/admin/incidents/incident/{found.pk}/"
    around = ("/admin/", "/admin/incidents/incident/", "/admin/incidents/timelineentry/")
    urls = (*around, "/admin/search/?s=alert", f"{row}change/", f"{row}history/", f"{row}do/note/")
    pages = {url: client.get(url).content.decode() for url in urls}

    assert "alert(1)" in pages[f"{row}change/"] or "7*7" in pages[f"{row}change/"]
    live = ("<script>alert", "<img src=x", "<svg onload", 'href="javascript:')
    assert [url for url, page in pages.items() if any(each in page for each in live)] == []


def test_replays_no_answer_of_another_caller(checkout: Service, alice: User, bob: User):
    first = make.api(alice).post(INCIDENTS, GOOD, HTTP_IDEMPOTENCY_KEY="shared")
    second = make.api(bob).post(INCIDENTS, GOOD, HTTP_IDEMPOTENCY_KEY="shared")

    assert (first.status_code, second.status_code) == (201, 201)
    assert "Idempotency-Replayed" not in second.headers
    assert first.json()["reference"] != second.json()["reference"]


def test_hands_out_no_file_but_the_pack(db: None, settings: Any, tmp_path: Any):
    settings.SIGNING_KEY, settings.CHECKPOINT_DIR = tmp_path / "key.pem", tmp_path / "points"
    settings.EXPORT_ROOT = tmp_path / "exports"
    world: World = make_world()
    export: Export = world[Export]

    answer = make.api(world.people["carol"]).get(f"/api/v1/exports/{export.pk}/download/")

    assert file_of(export).is_relative_to(settings.EXPORT_ROOT)
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment; filename=")
    assert not {"/", "\\", ".."} & set(disposition)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
