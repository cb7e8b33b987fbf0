"""Limits per caller, counted in the database."""

import datetime
import threading
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, connections
from django.test.utils import override_settings
from rest_framework.test import APIClient

from config.apikit import throttling
from config.due.models import Counter
from config.organisation.models import User
from tests.config import make

URL = "/api/v1/me/"
NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


@pytest.mark.django_db
@override_settings(API_REQUESTS_PER_MINUTE=2)
def test_refuses_over_the_limit_and_says_when_to_come_back(api: APIClient, bob: User) -> None:
    with time_machine.travel(NOON, tick=False) as at:
        first, second, third = (api.get(URL) for _ in range(3))
        other = make.api(bob).get(URL)
        at.shift(datetime.timedelta(seconds=60))
        later = api.get(URL)

    assert [first.status_code, second.status_code, third.status_code] == [200, 200, 429]
    assert first["RateLimit-Policy"] == '"default";q=2;w=60'
    assert first["RateLimit"] == '"default";r=1;t=60'
    assert (third["RateLimit"], third["Retry-After"]) == ('"default";r=0;t=60', "60")
    assert third.json()["code"] == "too_many_requests"
    assert (other.status_code, later.status_code) == (200, 200)


def test_counts_across_connections(fresh_db: Any) -> None:
    def use() -> None:
        for _ in range(50):
            throttling.count("test", limit=100)
        connections.close_all()

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert throttling.count("test", limit=100).used == 201
    assert throttling.count("test", limit=100).exceeded


@pytest.mark.django_db
def test_lets_through_where_it_cannot_count(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise DatabaseError

    monkeypatch.setattr(throttling, "count", fail)

    assert api.get(URL).status_code == 200


@pytest.mark.django_db
def test_forgets_windows_that_are_long_over() -> None:
    with time_machine.travel(NOON, tick=False):
        throttling.count("old", limit=1)
    with time_machine.travel(NOON + datetime.timedelta(hours=2), tick=False):
        throttling.count("new", limit=1)

    assert list(Counter.objects.values_list("key", flat=True)) == ["new"]
