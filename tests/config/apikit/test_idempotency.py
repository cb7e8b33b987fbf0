"""A POST repeated under one Idempotency-Key has one effect and one answer."""

import datetime
import threading
from typing import Any

import pytest
import time_machine
from django.db import connections
from rest_framework.test import APIClient

from config.access.operations import revoke_role
from config.apikit.models import IdempotentRequest
from config.events.models import Event
from config.organisation import operations
from config.organisation.models import Team, User
from tests.config import make

URL = "/api/v1/teams/"
KEY: dict[str, Any] = {"HTTP_IDEMPOTENCY_KEY": "0b6f2b1c-first"}


@pytest.mark.django_db
@pytest.mark.check("INC-11.1")
def test_creates_one_record_and_returns_the_same_body(
    api: APIClient, new_team: dict[str, str]
) -> None:
    first = api.post(URL, new_team, **KEY)
    second = api.post(URL, new_team, **KEY)

    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert second["ETag"] == first["ETag"] == '"v1"'
    assert second["Location"] == first["Location"]
    assert second["Idempotency-Replayed"] == "true"
    assert Team.objects.filter(key="refunds").count() == 1
    assert Event.objects.filter(kind="team.created", subject_name="Refunds").count() == 1


@pytest.mark.django_db
@pytest.mark.check("INC-11.1")
def test_refuses_the_same_key_with_another_body(api: APIClient, new_team: dict[str, str]) -> None:
    api.post(URL, new_team, **KEY)

    response = api.post(URL, {**new_team, "key": "chargebacks"}, **KEY)

    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")
    assert not Team.objects.filter(key="chargebacks").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", " ", "ü", "x" * 256, "tab\there"])
def test_refuses_a_key_that_is_none(api: APIClient, new_team: dict[str, str], key: str) -> None:
    response = api.post(URL, new_team, HTTP_IDEMPOTENCY_KEY=key)

    assert (response.status_code, response.json()["code"]) == (400, "idempotency_key_invalid")
    assert not Team.objects.filter(key="refunds").exists()


@pytest.mark.django_db
def test_keeps_keys_of_callers_and_of_paths_apart(
    api: APIClient, new_team: dict[str, str], root: User
) -> None:
    api.post(URL, new_team, **KEY)

    other_caller = make.api(root).post(URL, new_team, **KEY)
    other_path = api.post("/api/v1/units/", {**new_team, "unit": "retail"}, **KEY)

    assert (other_caller.status_code, other_caller.json()["code"]) == (409, "team_key_unique")
    assert (other_path.status_code, other_path.json()["code"]) == (400, "invalid")


@pytest.mark.django_db
def test_forgets_a_refused_attempt(api: APIClient, new_team: dict[str, str]) -> None:
    refused = api.post(URL, {**new_team, "unit": "nowhere"}, **KEY)

    response = api.post(URL, new_team, **KEY)

    assert (refused.status_code, response.status_code) == (400, 201)


@pytest.mark.django_db
def test_forgets_after_a_day(api: APIClient, new_team: dict[str, str]) -> None:
    with time_machine.travel(datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC), tick=False) as at:
        api.post(URL, new_team, **KEY)
        at.shift(datetime.timedelta(hours=24))
        response = api.post(URL, new_team, **KEY)

    assert (response.status_code, response.json()["code"]) == (409, "team_key_unique")


@pytest.mark.django_db
def test_gives_no_old_answer_to_who_lost_the_right(api: APIClient, admin: User, bob: User) -> None:
    url, body = f"/api/v1/users/{bob.username}/deactivate/", {"reason": "left"}
    first = api.post(url, body, **KEY)
    for assignment in admin.role_assignments.all():
        revoke_role(assignment, actor=make.system(), reason="moved")

    second = api.post(url, body, **KEY)

    assert (first.status_code, second.status_code) == (200, 404)


@pytest.mark.django_db
def test_never_keeps_a_secret_in_the_open(api: APIClient) -> None:
    body = {"name": "laptop", "scopes": ["incident:read"]}

    first = api.post("/api/v1/tokens/", body, **KEY).json()
    second = api.post("/api/v1/tokens/", body, **KEY).json()

    row = IdempotentRequest.objects.get()
    assert first["token"] == second["token"]
    assert first["token"] not in f"{row.answer} {row.headers} {row.digest}"


def test_refuses_while_the_first_is_running(
    fresh_db: Any, api: APIClient, new_team: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, leave = threading.Event(), threading.Event()
    statuses: list[int] = []
    create = operations.create_team

    def slow_create(**arguments: Any) -> Team:
        inside.set()
        leave.wait(20)
        return create(**arguments)

    def first() -> None:
        statuses.append(api.post(URL, new_team, **KEY).status_code)
        connections.close_all()

    monkeypatch.setattr(operations, "create_team", slow_create)
    thread = threading.Thread(target=first)
    thread.start()
    inside.wait(20)
    response = api.post(URL, new_team, **KEY)
    leave.set()
    thread.join()

    assert (response.status_code, response.json()["code"]) == (409, "idempotency_in_progress")
    assert statuses == [201]
    assert api.post(URL, new_team, **KEY).status_code == 201
    assert Team.objects.filter(key="refunds").count() == 1


def test_has_one_effect_when_ten_come_at_once(
    fresh_db: Any, api: APIClient, new_team: dict[str, str]
) -> None:
    barrier = threading.Barrier(10)
    answers: list[Any] = []

    def post() -> None:
        barrier.wait(20)
        answers.append(api.post(URL, new_team, **KEY))
        connections.close_all()

    threads = [threading.Thread(target=post) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {answer.status_code for answer in answers} <= {201, 409}
    bodies = [answer.json() for answer in answers if answer.status_code == 201]
    assert bodies
    assert all(body == bodies[0] for body in bodies)
    refused = [answer.json()["code"] for answer in answers if answer.status_code == 409]
    assert set(refused) <= {"idempotency_in_progress"}
    assert Team.objects.filter(key="refunds").count() == 1
    assert Event.objects.filter(kind="team.created", subject_name="Refunds").count() == 1
