"""The history endpoint: who changed what, when, why and from where."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from config.organisation import operations
from config.organisation.models import BusinessUnit, Team, User
from config.origin import Origin, acting
from tests.config import make

pytestmark = pytest.mark.django_db
URL = "/api/v1/teams/payments/history/"


def test_shows_changes_newest_first_in_names(
    api: APIClient, payments: Team, freight: BusinessUnit, admin: User
) -> None:
    api.patch("/api/v1/teams/payments/", {"name": "Pay", "unit": "freight"}, HTTP_IF_MATCH='"v1"')

    found = api.get(URL).json()

    assert set(found) == {"next", "previous", "results"}
    changed, made = found["results"]
    assert {**changed, "at": None} == {
        "at": None,
        "actor": "ada",
        "origin": "api",
        "reason": "",
        "version": 2,
        "changes": [
            {"field": "name", "old": "Payments", "new": "Pay"},
            {"field": "unit", "old": "retail", "new": "freight"},
        ],
    }
    assert (made["actor"], made["origin"], made["version"]) == ("watchbill", "system", 1)
    assert {"field": "unit", "old": None, "new": "retail"} in made["changes"]


def test_shows_origin_and_reason_of_each_door(api: APIClient, payments: Team, admin: User) -> None:
    with acting(Origin.ADMIN):
        operations.edit_team(payments, changes={"name": "A"}, actor=admin, reason="typo")
    with acting(Origin.JOB):
        operations.edit_team(payments, changes={"name": "B"}, actor=make.system(), reason="sync")

    job, by_admin, _ = api.get(URL).json()["results"]

    assert (job["actor"], job["origin"], job["reason"]) == ("watchbill", "job", "sync")
    assert (by_admin["actor"], by_admin["origin"], by_admin["reason"]) == ("ada", "admin", "typo")


def test_compares_across_pages(api: APIClient, payments: Team, admin: User) -> None:
    for name in "ABCDE":
        operations.edit_team(payments, changes={"name": name}, actor=admin)

    first = api.get(URL, {"page_size": 2}).json()
    second = api.get(first["next"]).json()

    changes = [row["changes"] for row in (*first["results"], *second["results"])]
    assert [(each[0]["old"], each[0]["new"]) for each in changes] == [
        ("D", "E"), ("C", "D"), ("B", "C"), ("A", "B"),
    ]  # fmt: skip


def test_costs_as_many_queries_for_many_rows_as_for_few(
    api: APIClient, payments: Team, freight: BusinessUnit, retail: BusinessUnit, admin: User,
    django_assert_max_num_queries: Any,
) -> None:  # fmt: skip
    for unit in (freight, retail) * 10:
        operations.edit_team(payments, changes={"unit": unit}, actor=admin)

    with django_assert_max_num_queries(14):
        assert len(api.get(URL).json()["results"]) == 21


def test_is_closed_to_strangers(mallory: User, payments: Team) -> None:
    assert make.api(mallory).get(URL).status_code == 404


def test_hides_what_must_not_be_shown(api: APIClient) -> None:
    made = api.post("/api/v1/tokens/", {"name": "laptop", "scopes": ["incident:read"]}).json()

    found = api.get(f"/api/v1/tokens/{made['id']}/history/").json()["results"][0]["changes"]

    assert {"field": "name", "old": None, "new": "laptop"} in found
    assert "digest" not in {change["field"] for change in found}
