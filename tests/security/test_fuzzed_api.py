"""The API takes any text wherever it takes text: headers, cursors, filters, dates, bodies."""

import base64
import json
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from tests.access.asking import undone
from tests.access.world import World, make_world
from tests.config import make
from tests.contract.asking import Questions
from tests.contract.document import strict
from tests.incidents import make as make_incidents
from tests.security import hostile

INCIDENTS = "/api/v1/incidents/"
GOOD = {"title": "Slow", "service": "checkout", "level": "error"}


@pytest.fixture
def api(settings: Any, alice: User) -> APIClient:
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    return make.api(alice)


@pytest.fixture
def found(checkout: Service, alice: User) -> Incident:
    return make_incidents.incident(service=checkout, actor=alice)


@pytest.fixture
def everything(db: None, settings: Any, tmp_path: Any) -> Questions:
    settings.SIGNING_KEY, settings.CHECKPOINT_DIR = tmp_path / "key.pem", tmp_path / "points"
    settings.EXPORT_ROOT, settings.API_REQUESTS_PER_MINUTE = tmp_path / "exports", 1_000_000
    world: World = make_world()
    return Questions(world, {"root": make.api(world.people["root"])}, wide="root")


CURSORS = st.one_of(
    hostile.texts,
    st.builds(
        lambda fields: base64.b64encode(urlencode(fields).encode("utf-8", "replace")).decode(),
        st.dictionaries(st.sampled_from("por"), st.from_regex(r"[-0-9a-z]{0,30}", fullmatch=True)),
    ),
    st.binary(max_size=30).map(lambda raw: base64.b64encode(raw).decode()),
)


@hostile.some(80)
@given(cursor=CURSORS)
def test_takes_any_cursor_or_says_that_it_is_none(api: APIClient, cursor: str):
    answer = api.get(f"{INCIDENTS}?cursor={hostile.quoted(cursor)}")

    assert answer.status_code in (200, 400)


@hostile.some(60)
@given(tag=hostile.texts)
def test_takes_any_if_match_or_refuses_it(api: APIClient, found: Incident, tag: str):
    answer = undone(
        lambda: api.patch(f"{INCIDENTS}{found.reference}/", {"title": "New"}, HTTP_IF_MATCH=tag)
    )

    assert answer.status_code == (200 if tag == "*" else 412 if tag.strip() else 428)


@hostile.some(60)
@given(key=hostile.texts)
def test_takes_any_idempotency_key_or_refuses_it(api: APIClient, checkout: Service, key: str):
    answers = undone(
        lambda: [api.post(INCIDENTS, GOOD, HTTP_IDEMPOTENCY_KEY=key) for _ in range(2)]
    )

    is_one = 0 < len(key.strip()) <= 255 and key.isascii() and key.strip().isprintable()
    assert [answer.status_code for answer in answers] == ([201] * 2 if is_one else [400] * 2)


def lists() -> Iterator[tuple[str, str]]:
    """Each list of the API with each parameter that it takes."""
    for path, operations in strict().raw_schema["paths"].items():
        for parameter in operations.get("get", {}).get("parameters", ()):
            if parameter["in"] == "query":
                yield path, parameter["name"]


@pytest.mark.timeout(240)
def test_takes_any_text_in_any_parameter(everything: Questions):
    @hostile.some(250)
    @given(where=st.sampled_from(sorted(lists())), text=hostile.texts)
    def ask(where: tuple[str, str], text: str) -> None:
        path, name = where
        url = f"{everything.address(path)}?{name}={hostile.quoted(text)}"
        status = undone(lambda: everything.client.get(url)).status_code
        assert status in (200, 400), f"{url}: {status}"

    ask()


@hostile.some(60)
@given(at=st.one_of(st.sampled_from(hostile.DATES), st.datetimes().map(str), hostile.scalars))
def test_takes_any_date_or_refuses_it(api: APIClient, found: Incident, at: Any):
    url = f"{INCIDENTS}{found.reference}/"
    calls = {
        f"{url}timeline/": {"text": "It was then", "at": at},
        f"{url}time-claims/": {"which": "started", "at": at},
        f"{url}investigate/": {"at": at},
        INCIDENTS: {**GOOD, "started_at": at, "detected_at": at},
    }
    for where, body in calls.items():
        text = json.dumps(body)
        answer = undone(partial(post, api, where, text))
        assert answer.status_code in (200, 201, 400, 409), f"{where} {text}"


def post(client: APIClient, url: str, body: str) -> Any:
    return client.generic("POST", url, body, "application/json")


@pytest.mark.timeout(240)
def test_takes_any_body_of_any_operation(everything: Questions):
    document = strict().raw_schema
    bodies = {
        (method, path): hostile.filled(
            operation["requestBody"]["content"]["application/json"]["schema"], document
        )
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if "requestBody" in operation
    }
    calls = st.sampled_from(sorted(bodies)).flatmap(
        lambda call: st.tuples(st.just(call), bodies[call])
    )

    @hostile.some(400)
    @given(asked=calls)
    def ask(asked: tuple[tuple[str, str], Any]) -> None:
        (method, path), body = asked
        url = everything.address(path)
        answer = undone(
            lambda: everything.client.generic(
                method.upper(), url, json.dumps(body), "application/json", HTTP_IF_MATCH="*"
            )
        )
        assert answer.status_code < 500, f"{method} {url} {body}"

    ask()
