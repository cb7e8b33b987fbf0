"""Whoever asks: no failure, and nothing that `docs/openapi.yaml` doesn't say."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client
from jsonschema import Draft202012Validator
from rest_framework.test import APIClient

from config.front import Answer
from tests.access.asking import called_before
from tests.access.permissions import ANONYMOUS, PEOPLE, PERSONAS, make_people
from tests.access.world import World, make_world
from tests.contract.asking import Questions
from tests.contract.document import PATH, strict

WIDE = "admin"  # reaches the most, so asks the most
SHARES = 2  # of the operations, so that several processes ask at once
METHODS = {"get", "post", "put", "patch", "delete", "options", "trace"}


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> World:
    caplog.set_level(logging.ERROR, logger="django.request")  # of refusals there are thousands
    settings.SIGNING_KEY, settings.CHECKPOINT_DIR = tmp_path / "key.pem", tmp_path / "points"
    settings.EXPORT_ROOT = tmp_path / "exports"
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    made = make_world()
    make_people(made)
    return made


def client_of(world: World, persona: str) -> APIClient:
    if persona == ANONYMOUS:
        return APIClient()
    given = PEOPLE[persona]
    return called_before(world.people[given if isinstance(given, str) else persona])


@pytest.fixture
def questions(world: World) -> Questions:
    """For all personas."""
    return Questions(world, {each: client_of(world, each) for each in PERSONAS}, wide=WIDE)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("share", range(SHARES))
def test_answers_any_question_as_the_document_says(questions: Questions, share: int):
    broken = {}

    for found in list(strict().get_all_operations())[share::SHARES]:
        operation: Any = found.ok()  # the document is valid
        if faults := questions.faults(operation):
            broken[operation.label] = faults[0]

    assert broken == {}


def test_refuses_every_method_that_is_not_offered(questions: Questions):
    """One of them is asked for at each address: the answer names all that are offered."""
    found = {}

    for number, (path, operations) in enumerate(strict().raw_schema["paths"].items()):
        others = sorted(METHODS - operations.keys())
        method = others[number % len(others)]
        answer = questions.client.generic(method.upper(), questions.address(path))
        allowed = {each.lower() for each in answer.headers.get("Allow", "").split(", ")}
        found[method, path] = (answer.status_code, allowed - {"head"} == operations.keys())

    assert {call: each for call, each in found.items() if each != (405, True)} == {}
    assert {method for method, _ in found} >= METHODS - {"get"}


@pytest.mark.parametrize("kind", ["application/vnd.oai.openapi", "application/json"])
def test_is_what_the_site_gives_to_anybody(db: None, kind: str):
    kept = yaml.load(PATH.read_text(), yaml.CSafeLoader)

    answers = [Client().get("/api/schema/", headers={"Accept": kind}) for _ in range(2)]

    assert [yaml.load(each.content, yaml.CSafeLoader) for each in answers] == [kept, kept]
    assert [each["Content-Type"].split(";")[0] for each in answers] == [kind, kind]
    assert 'filename="Watchbill API' in answers[0]["Content-Disposition"]


def test_gives_only_examples_that_are_true():
    document = strict().raw_schema
    resolver = Draft202012Validator({**document, "$id": "document"})

    wrong = [
        f"{schema}: {error.message}"
        for schema, example in examples_in(document)
        for error in resolver.evolve(schema=schema).iter_errors(example)
    ]

    assert wrong == []


@pytest.mark.parametrize(
    ("code", "status"), [("too_large", 413), ("timeout", 408), ("unavailable", 503)]
)
def test_answers_before_django_as_the_document_says(code: str, status: int):
    document = strict().raw_schema
    answer = Answer.problem(code, status, "/api/v1/incidents/")

    Draft202012Validator(document["components"]["schemas"]["Problem"]).validate(
        json.loads(answer.body)
    )

    assert answer.content_type == b"application/problem+json"
    assert str(status) in document["paths"]["/api/v1/incidents/"]["post"]["responses"]


def examples_in(node: Any) -> Iterator[tuple[Any, Any]]:
    """Each example with its schema: of bodies, of parameters, of fields."""
    if isinstance(node, list):
        for each in node:
            yield from examples_in(each)
    elif isinstance(node, dict):
        given = node.get("examples")
        if isinstance(given, dict) and "schema" in node:
            yield from ((node["schema"], each["value"]) for each in given.values())
        elif isinstance(given, list):
            yield from ((node, each) for each in given)
        assert "example" not in node, f"OpenAPI 3.1 says 'examples': {node}"
        for each in node.values():
            yield from examples_in(each)
