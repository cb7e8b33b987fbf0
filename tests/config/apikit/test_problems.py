"""Every refusal is a problem document with a stable code."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as ModelInvalid
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connection
from django.http import Http404
from django.test import Client, RequestFactory
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.test import APIClient

from config.apikit import codes
from config.apikit.problems import CONTENT_TYPE, exception_handler
from config.errors import (
    Blocked,
    Blocker,
    FourEyes,
    HumanRequired,
    Invalid,
    NotAllowed,
    Refused,
    Stale,
    TransitionRefused,
)
from config.events.models import Event
from config.organisation.models import Team
from tests.config import make


def handled(error: Exception, user: Any = None) -> Any:
    request = Request(RequestFactory().get("/api/v1/things/"))
    request.user = user
    return exception_handler(error, {"request": request})


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Refused("No."), 409, "refused"),
        (Refused("No.", code="user_is_actor"), 409, "user_is_actor"),
        (TransitionRefused("No.", allowed=["resolve"]), 409, "transition_refused"),
        (FourEyes("No."), 409, "four_eyes"),
        (NotAllowed("No."), 403, "not_allowed"),
        (HumanRequired("No."), 403, "human_required"),
        (Invalid("No."), 400, "invalid"),
        (Stale("No."), 412, "stale"),
        (ModelInvalid("No."), 400, "invalid"),
        (exceptions.ValidationError("No."), 400, "invalid"),
        (exceptions.ParseError(), 400, "malformed"),
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.AuthenticationFailed(code="token_expired"), 401, "token_expired"),
        (exceptions.PermissionDenied(), 403, "not_allowed"),
        (PermissionDenied(), 403, "not_allowed"),
        (exceptions.NotFound(), 404, "not_found"),
        (Http404(), 404, "not_found"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.NotAcceptable(), 406, "not_acceptable"),
        (exceptions.UnsupportedMediaType("text/csv"), 415, "unsupported_media_type"),
        (exceptions.Throttled(wait=7), 429, "too_many_requests"),
        (IntegrityError(), 409, "conflict"),
        (DataError(), 400, "invalid"),
        (OperationalError(), 503, "unavailable"),
        (InterfaceError(), 503, "unavailable"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_answers_each_refusal_with_its_status_and_code(
    error: Exception, status: int, code: str
) -> None:
    response = handled(error)

    assert response.status_code == status
    assert response.content_type == CONTENT_TYPE
    assert response.data["status"] == status
    assert response.data["code"] == code
    assert response.data["type"] == f"/problems/{code}"
    assert response.data["instance"] == "/api/v1/things/"
    assert response.data["title"] == codes.every()[code].title


def test_leaves_what_nobody_foresaw_to_the_log() -> None:
    assert handled(ZeroDivisionError()) is None


def test_says_when_to_come_back() -> None:
    assert handled(exceptions.Throttled(wait=7))["Retry-After"] == "7"
    assert handled(OperationalError())["Retry-After"] == "5"


def test_lists_what_is_allowed_and_what_blocks() -> None:
    allowed = handled(TransitionRefused("No.", allowed=["resolve"]))
    blocked = handled(Blocked("No.", blockers=[Blocker("open_task", "Finish it.", "/x")]))

    assert allowed.data["allowed"] == ["resolve"]
    assert blocked.data["blockers"] == [{"code": "open_task", "text": "Finish it.", "link": "/x"}]


def test_points_at_the_field_of_an_argument() -> None:
    response = handled(Invalid("Too long.", field="title"))

    assert response.data["errors"] == [
        {"code": "invalid", "detail": "Too long.", "pointer": "#/title"}
    ]


def test_points_into_nested_bodies() -> None:
    detail = {"lines": [{}, {"a/b": [exceptions.ErrorDetail("Bad.", "max_length")]}]}

    response = handled(exceptions.ValidationError(detail))

    assert response.data["errors"] == [
        {"code": "max_length", "detail": "Bad.", "pointer": "#/lines/1/a~1b"}
    ]


@pytest.mark.django_db
def test_gives_a_constraint_of_the_database_its_name(payments: Team) -> None:
    with pytest.raises(IntegrityError) as caught, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO config_team (key, name, unit_id, description, is_active, revision)"
            " VALUES ('payments', 'x', %s, '', true, 1)",
            [payments.unit_id],
        )

    response = handled(caught.value)

    assert response.status_code == 409
    assert response.data["code"] == "team_key_unique"
    assert response.data["detail"] == "A team with this key exists."


@pytest.mark.django_db
def test_records_refusals_that_matter_to_security(alice: Any) -> None:
    handled(NotAllowed("Not yours.", audit=True), alice)

    event = Event.objects.get(kind="access.refused")
    assert (event.actor, event.reason) == (alice, "Not yours.")
    assert event.data == {"code": "not_allowed", "where": "GET /api/v1/things/"}


@pytest.mark.django_db
def test_keeps_the_record_of_a_refusal_whose_change_was_rolled_back(
    mallory: Any, payments: Team, carol: Any
) -> None:
    client = make.api(carol)

    response = client.patch("/api/v1/teams/payments/", {"name": "Ours"}, HTTP_IF_MATCH="*")

    assert (response.status_code, response.json()["code"]) == (403, "not_allowed")
    payments.refresh_from_db()
    assert payments.name == "Payments"
    assert Event.objects.get(kind="access.refused").actor == carol


@pytest.mark.django_db
def test_answers_in_problems_outside_the_framework_too() -> None:
    response = Client().get("/api/nowhere/")

    assert response.status_code == 404
    assert response["Content-Type"] == CONTENT_TYPE
    assert response.json()["code"] == "not_found"
    assert response.json()["request_id"] == response["X-Request-ID"]


@pytest.mark.django_db
def test_says_nothing_about_a_failure_of_its_own(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.organisation.api.TeamViewSet.shown", lambda self, rows: 1 / 0)
    api.raise_request_exception = False

    response = api.get("/api/v1/teams/")

    assert response.status_code == 500
    assert response["Content-Type"] == CONTENT_TYPE
    assert response.json()["code"] == "internal"
    assert "division" not in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "options", "status", "code"),
    [
        ("put", {}, 405, "method_not_allowed"),
        ("post", {"data": "{", "content_type": "application/json"}, 400, "malformed"),
        ("post", {"data": "a,b", "content_type": "text/csv"}, 415, "unsupported_media_type"),
        ("get", {"HTTP_ACCEPT": "text/csv"}, 406, "not_acceptable"),
    ],
)
def test_answers_wrong_requests_in_problems(
    api: APIClient, method: str, options: dict[str, Any], status: int, code: str
) -> None:
    response = getattr(api, method)("/api/v1/teams/", **options)

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response["Content-Type"] == CONTENT_TYPE


@pytest.mark.django_db
def test_asks_strangers_for_a_token() -> None:
    response = APIClient().get("/api/v1/teams/")

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert response["WWW-Authenticate"] == 'Bearer realm="watchbill"'


@pytest.mark.django_db
def test_has_a_page_for_every_code() -> None:
    client = Client()

    answers = {code: client.get(f"/problems/{code}") for code in codes.every()}

    assert {code for code, answer in answers.items() if answer.status_code != 200} == set()
    assert "unsafe" not in answers["invalid"]["Content-Security-Policy"]
    assert client.get("/problems/").status_code == 200
    assert client.get("/problems/no-such-code").status_code == 404
