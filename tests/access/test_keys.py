"""What opens a door by being known: tokens, and the links of pages."""

import asyncio
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from config.organisation.models import User
from escalation.paging.links import url_of
from escalation.paging.models import Page
from incidents.alerts.limiting import Limiter
from incidents.alerts.storing import Store
from tests.access.world import World
from tests.config import make


@pytest.mark.parametrize("cut", [12, 20, 42])
def test_a_token_that_only_begins_like_one_opens_nothing(alice: User, cut: int) -> None:
    secret = make.token(alice)
    forged = secret[:cut] + ("A" if secret[cut] != "A" else "B") * (len(secret) - cut)

    def ask(token: str) -> Any:
        return APIClient().get("/api/v1/me/", HTTP_AUTHORIZATION=f"Bearer {token}")

    assert ask(secret).status_code == 200
    assert (ask(forged).status_code, ask(forged).json()["code"]) == (401, "token_unknown")


def test_the_page_behind_a_link_runs_nothing_and_is_framed_by_nobody(world: World) -> None:
    page: Page = world[Page]

    answer = Client().get("/r/" + url_of(page.pk).rpartition("/")[2])

    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src" in policy
    assert "frame-ancestors 'none'" in policy


def test_an_accepted_body_survives_a_crash_whatever_the_servers_default(fresh_db: Any) -> None:
    async def shown() -> Any:
        store = Store(Limiter())
        await store.open()
        try:
            return await store._execute("SHOW synchronous_commit", None)
        finally:
            await store.close()

    assert asyncio.run(shown()) == ("on",)
