"""Who may do what on every route of escalation."""

import datetime
from functools import partial
from typing import Any

import pytest
from django.urls import get_resolver

from config import clock
from config.due.worker import run_due
from config.organisation.models import User
from escalation.paging.models import Page
from escalation.policies.operations import use_policy
from escalation.rota.operations import add_override
from escalation.runs.models import EscalationRun
from incidents.lifecycle.operations import edit
from tests.access.asking import undone
from tests.config import make as people
from tests.escalation import make
from tests.escalation.make import START
from tests.harness.kept import kept

OURS = (
    "contact-methods", "schedules", "overrides", "escalation-policies", "escalation-policy-uses",
    "escalations", "pages",
)  # fmt: skip
LAYER = {"starts_on": "2026-03-02", "handoff": "09:00", "people": ["bob"]}
PERIOD = {"start": "2026-12-24T00:00:00Z", "end": "2026-12-26T00:00:00Z"}
# (method, path, body) -> alice commands, bob responds, carol audits, mallory is a stranger.
TABLE = {
    ("get", "contact-methods/{contact}/", None): (404, 200, 404, 404),
    ("get", "contact-methods/{contact}/history/", None): (404, 200, 404, 404),
    ("patch", "contact-methods/{contact}/", (("position", 3),)): (404, 200, 404, 404),
    ("post", "contact-methods/{contact}/verify/", (("code", "x"),)): (404, 200, 404, 404),
    ("post", "contact-methods/{contact}/resend-code/", ()): (404, 409, 404, 404),
    ("post", "contact-methods/{contact}/test/", ()): (404, 200, 404, 404),
    ("delete", "contact-methods/{contact}/", None): (404, 204, 404, 404),
    ("get", "schedules/{schedule}/", None): (200, 200, 200, 404),
    ("get", "schedules/{schedule}/history/", None): (200, 200, 200, 404),
    ("get", "schedules/{schedule}/on-call/", None): (200, 200, 200, 404),
    ("get", "schedules/{schedule}/covers/", None): (200, 200, 200, 404),
    ("get", "schedules/{schedule}/reachability/", None): (200, 200, 200, 404),
    ("patch", "schedules/{schedule}/", (("name", "Nights"),)): (403, 403, 403, 404),
    ("get", "overrides/{override}/", None): (200, 200, 200, 404),
    ("get", "overrides/{override}/history/", None): (200, 200, 200, 404),
    ("post", "overrides/{override}/withdraw/", ()): (200, 200, 403, 404),
    ("delete", "overrides/{override}/", None): (204, 204, 403, 404),
    ("get", "escalations/{run}/", None): (200, 200, 200, 404),
    ("get", "escalations/{run}/history/", None): (200, 200, 200, 404),
    ("get", "escalations/{run}/records/", None): (200, 200, 200, 404),
    ("get", "pages/{page}/", None): (200, 200, 200, 404),
    ("get", "escalation-policy-uses/{use}/", None): (200, 200, 200, 404),
    ("get", "escalation-policy-uses/{use}/history/", None): (200, 200, 200, 404),
}
# Policies of the enterprise are everybody's to read; who may write them is governance's own test.
GOVERNED = "escalation-policies/"
PEOPLE = ("alice", "bob", "carol", "mallory")


@kept
def world(incident, payments, policy, alice, bob) -> dict[str, object]:
    """One row of everything, all of payments."""
    rota = make.schedule(payments, alice, bob, key="payments-primary")
    now = clock.now()
    override = add_override(
        rota, user=bob, start=now, end=now + datetime.timedelta(hours=1), actor=alice
    )
    use = use_policy(policy.policy, team=payments, actor=people.system())
    run_due(START)
    return {
        "contact": bob.contact_methods.get().pk,
        "schedule": rota.key,
        "override": override.pk,
        "run": EscalationRun.objects.get().pk,
        "page": Page.objects.get().pk,
        "use": use.pk,
    }


def call(person: User, method: str, path: str, body: Any) -> int:
    headers = {"HTTP_IF_MATCH": "*"} if method in ("patch", "delete") else {}
    data = dict(body) if body is not None else None
    answer = getattr(people.api(person), method)(f"/api/v1/{path}", data, **headers)
    return int(answer.status_code)


@pytest.mark.parametrize("who", PEOPLE)
def test_answers_by_what_the_caller_may(request: pytest.FixtureRequest, world, who) -> None:
    person, column = request.getfixturevalue(who), PEOPLE.index(who)

    answered = {
        (method, path): undone(partial(call, person, method, path.format(**world), body))
        for method, path, body in TABLE
    }

    assert answered == {route[:2]: answers[column] for route, answers in TABLE.items()}


def test_has_every_route_of_single_rows_in_the_table() -> None:
    patterns: list[Any] = [
        pattern
        for resolver in get_resolver().url_patterns
        if str(resolver.pattern) == "api/v1/"
        for pattern in getattr(resolver, "url_patterns", ())
    ]
    routes = set()
    for pattern in patterns:
        route = str(pattern.pattern).lstrip("^").rstrip("$")
        name, _, rest = route.partition("/")
        if name in OURS and rest and "{" not in rest and "(?P<" in rest:
            tail = rest.split(")/", 1)[1] if ")/" in rest else ""
            routes |= {(m, name, tail) for m in pattern.callback.actions if m != "head"}
    known = {(m, p.split("/")[0], p.split("/", 2)[2]) for m, p, _ in TABLE}

    assert {each for each in routes if f"{each[1]}/" != GOVERNED} == known


@pytest.mark.parametrize("name", OURS)
def test_lists_nothing_of_others(world, mallory: User, name: str) -> None:
    if f"{name}/" == GOVERNED:
        return
    answer = people.api(mallory).get(f"/api/v1/{name}/")

    assert (answer.status_code, answer.data["results"]) == (200, [])


@pytest.mark.parametrize("name", OURS)
def test_answers_401_without_a_token(client, db, name: str) -> None:
    assert client.get(f"/api/v1/{name}/").status_code == 401


@pytest.mark.parametrize("who", ["carol", "mallory"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("schedules/", {"key": "mine", "name": "Mine", "team": "payments", "layers": [LAYER]}),
        ("overrides/", {"schedule": "payments-primary", "user": "carol", **PERIOD}),
        ("escalation-policy-uses/", {"team": "payments", "policy": "default"}),
        ("escalations/", {"incident": "{incident}", "reason": "Now."}),
    ],
)
def test_lets_auditors_and_strangers_create_nothing(
    request: pytest.FixtureRequest, world, incident, alice, bob, carol, who, path, body
) -> None:
    body = {**body, **({"incident": incident.reference} if "incident" in body else {})}

    answer = people.api(request.getfixturevalue(who)).post(f"/api/v1/{path}", body)

    # To a stranger the container doesn't exist.
    assert answer.status_code == (403 if who == "carol" else 400), answer.data


def test_hides_what_belongs_to_a_restricted_incident(
    world, incident, alice: User, bob: User, carol: User
) -> None:
    edit(incident, actor=alice, changes={"is_restricted": True})

    for path in ("escalations/{run}/", "escalations/{run}/records/", "pages/{page}/"):
        statuses = [call(each, "get", path.format(**world), None) for each in (alice, carol)]
        assert statuses == [200, 404]
    # bob was paged: he sees his own page, with the reference alone.
    assert call(bob, "get", "escalations/{run}/".format(**world), None) == 404
    assert call(bob, "get", "pages/{page}/".format(**world), None) == 200
