"""Lists: pages by cursor, strict parameters, filters."""

import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils.http import urlencode
from rest_framework.test import APIClient

from config.organisation import operations
from config.organisation.models import BusinessUnit, Team, User
from tests.config import make

pytestmark = pytest.mark.django_db
URL = "/api/v1/teams/"


def keys(response: Any) -> list[str]:
    return [row["key"] for row in response.json()["results"]]


@pytest.fixture
def six(freight: BusinessUnit) -> list[str]:
    return [make.team(f"team-{letter}", unit=freight).key for letter in "abcdef"]


def test_pages_newest_first_both_ways(api: APIClient, six: list[str]) -> None:
    first = api.get(URL, {"page_size": 2})
    second = api.get(first.json()["next"])
    third = api.get(second.json()["next"])
    back = api.get(third.json()["previous"])

    assert set(first.json()) == {"next", "previous", "results"}
    assert first.json()["previous"] is None
    assert [keys(page) for page in (first, second, third)] == [
        ["team-f", "team-e"],
        ["team-d", "team-c"],
        ["team-b", "team-a"],
    ]
    assert third.json()["next"] is None
    assert keys(back) == ["team-d", "team-c"]


def test_keeps_its_place_while_rows_are_added(
    api: APIClient, six: list[str], freight: BusinessUnit
) -> None:
    first = api.get(URL, {"page_size": 3})
    make.team("team-g", unit=freight)

    assert keys(api.get(first.json()["next"])) == ["team-c", "team-b", "team-a"]


def test_gives_at_most_200(api: APIClient, freight: BusinessUnit) -> None:
    for number in range(202):
        make.team(f"many-{number}", unit=freight)

    assert len(api.get(URL, {"page_size": 201}).json()["results"]) == 200
    assert len(api.get(URL).json()["results"]) == 50


@pytest.mark.parametrize(
    ("query", "code", "parameter"),
    [
        ({"page_size": "many"}, "invalid", "page_size"),
        ({"page_size": "0"}, "invalid", "page_size"),
        ({"page_size": "-1"}, "invalid", "page_size"),
        ({"page_size": "²"}, "invalid", "page_size"),
        ({"cursor": "x"}, "invalid_cursor", "cursor"),
        ({"cursor": "cD1hYmM="}, "invalid_cursor", "cursor"),  # p=abc
        ({"cursor": "cD0xJTAw"}, "invalid_cursor", "cursor"),  # p=1%00
        ({"sort": "key"}, "unknown_parameter", "sort"),
        ({"unti": "retail"}, "unknown_parameter", "unti"),
        ({"format": "xml"}, "unknown_parameter", "format"),
        ({"unit": "a\0"}, "invalid", "unit"),
        ({"is_active": "perhaps"}, "invalid", "is_active"),
        ({"is_active": ""}, "invalid", "is_active"),
        ({"updated_since": "yesterday"}, "invalid", "updated_since"),
        ({"updated_since": ""}, "invalid", "updated_since"),
        ({"updated_since": "2026-02-30T00:00:00Z"}, "invalid", "updated_since"),
        ({"updated_since": "2026-02-01T00:00:00"}, "invalid", "updated_since"),
    ],
)
def test_refuses_parameters_that_it_does_not_understand(
    api: APIClient, query: dict[str, str], code: str, parameter: str
) -> None:
    response = api.get(f"{URL}?{urlencode(query)}")

    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == code
    assert response.json()["errors"][0]["parameter"] == parameter


def test_names_the_values_of_a_choice(api: APIClient) -> None:
    response = api.get("/api/v1/users/", {"kind": "robot"})

    assert response.status_code == 400
    assert response.json()["errors"][0]["parameter"] == "kind"


def test_filters(api: APIClient, payments: Team, logistics: Team) -> None:
    assert keys(api.get(URL, {"unit": "retail"})) == ["payments"]


def test_lists_what_changed_since(
    api: APIClient, payments: Team, logistics: Team, admin: User
) -> None:
    since = payments.history.latest().history_date + datetime.timedelta(days=1)
    moment = since.isoformat()

    operations.edit_team(logistics, changes={"name": "Haulage"}, actor=admin)
    row = logistics.history.latest()
    with_past = api.get(URL, {"updated_since": row.history_date.isoformat()})

    assert keys(with_past) == ["logistics"]
    assert keys(api.get(URL, {"updated_since": moment})) == []


def test_shows_a_list_in_a_fixed_number_of_queries(
    api: APIClient, six: list[str], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(16):
        api.get(URL)


def test_needs_no_session_for_its_documents() -> None:
    client = Client()

    docs = client.get("/api/docs/")

    assert docs.status_code == client.get("/api/schema/").status_code == 200
    assert "unsafe-eval" not in docs["Content-Security-Policy"]
    assert "'unsafe-inline'" not in docs["Content-Security-Policy"].split("style-src")[0]
    assert b"//cdn" not in docs.content
