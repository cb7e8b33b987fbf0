"""Versions: ETag, If-None-Match, If-Match."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from config.organisation import operations
from config.organisation.models import BusinessUnit, User

pytestmark = pytest.mark.django_db
URL = "/api/v1/units/retail/"


def test_tags_the_version(api: APIClient, retail: BusinessUnit) -> None:
    response = api.get(URL)

    assert (response["ETag"], response.json()["version"]) == ('"v1"', 1)


def test_answers_304_to_who_has_it(api: APIClient, retail: BusinessUnit, admin: User) -> None:
    same = api.get(URL, HTTP_IF_NONE_MATCH='"v1"')
    weak = api.get(URL, HTTP_IF_NONE_MATCH='"v7", W/"v1"')
    operations.edit_unit(retail, changes={"name": "Shops"}, actor=admin)
    newer = api.get(URL, HTTP_IF_NONE_MATCH='"v1"')

    assert (same.status_code, same.content, same["ETag"]) == (304, b"", '"v1"')
    assert (weak.status_code, newer.status_code) == (304, 200)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 428, "precondition_required"),
        ({"HTTP_IF_MATCH": ""}, 428, "precondition_required"),
        ({"HTTP_IF_MATCH": '"v2"'}, 412, "stale"),
        ({"HTTP_IF_MATCH": 'W/"v1"'}, 412, "stale"),
        ({"HTTP_IF_MATCH": "v1"}, 412, "stale"),
    ],
)
def test_changes_nothing_without_the_current_version(
    api: APIClient, retail: BusinessUnit, headers: dict[str, Any], status: int, code: str
) -> None:
    response = api.patch(URL, {"name": "Shops"}, **headers)

    assert (response.status_code, response.json()["code"]) == (status, code)
    if status == 412:
        assert response["ETag"] == '"v1"'
    retail.refresh_from_db()
    assert (retail.name, retail.revision) == ("Retail", 1)


@pytest.mark.parametrize("tag", ['"v1"', '"v9", "v1"', "*"])
def test_changes_the_version_that_the_caller_has_seen(
    api: APIClient, retail: BusinessUnit, tag: str
) -> None:
    response = api.patch(URL, {"name": "Shops"}, HTTP_IF_MATCH=tag)

    assert response.status_code == 200
    assert (response["ETag"], response.json()["name"]) == ('"v2"', "Shops")


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({}, "nothing_given", "#"),
        ({"nmae": "Shops"}, "unknown_field", "#/nmae"),
        ({"key": "shops"}, "unknown_field", "#/key"),
        ({"name": ""}, "blank", "#/name"),
        ({"time_zone": "Mars/Base"}, "time_zone_unknown", "#/time_zone"),
        ({"parent": "nowhere"}, "does_not_exist", "#/parent"),
        ({"parent": {"key": "x"}}, "invalid", "#/parent"),
        ([1], "invalid", "#"),
    ],
)
def test_says_what_is_wrong_with_the_body(
    api: APIClient, retail: BusinessUnit, body: Any, code: str, pointer: str
) -> None:
    response = api.patch(URL, body, HTTP_IF_MATCH='"v1"')

    assert response.status_code == 400
    found = response.json()["errors"][0]
    assert (found["code"], found["pointer"]) == (code, pointer)
