"""`docs/openapi.yaml`, taken at its word: what it doesn't name, nobody may be answered."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import requests
import schemathesis
import urllib3
import yaml
from django.conf import settings
from schemathesis import GenerationMode, checks
from schemathesis.core.failures import Failure, FailureGroup

from tests.access.routes import Call

PATH = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"
NAMES = re.compile(r"\{\w+\}|<\w+>")
# Of HTTP itself, and of the browser's safety: they stand on every answer of the site.
UNSPOKEN = {
    *("Content-Type", "Content-Length", "Vary", "Allow", "X-Content-Type-Options"),
    *("X-Frame-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "Cache-Control"),
    *("Content-Security-Policy", "Content-Language", "Content-Disposition"),
}


class UndocumentedHeader(Failure):
    """An answer carries a header that the document doesn't name."""


def documented_headers(ctx: Any, response: Any, case: Any) -> None:
    """Every header that is ours stands in the document."""
    found = case.operation.definition.raw["responses"].get(str(response.status_code), {})
    found = found if "$ref" not in found else _named(case, found["$ref"])
    known = {name.lower() for name in (*UNSPOKEN, *found.get("headers", ()))}
    if odd := sorted(set(response.headers) - known):
        text = f"{response.status_code} carries {', '.join(odd)}"
        raise UndocumentedHeader(operation=case.operation.label, title="Header", message=text)


def _named(case: Any, reference: str) -> Any:
    found = case.operation.schema.raw_schema
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


HELD = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    documented_headers,
]
# Against a body or a parameter that the document forbids.
REFUSED = [*HELD, checks.negative_data_rejection]
HELD_IN = {GenerationMode.POSITIVE: HELD, GenerationMode.NEGATIVE: REFUSED}


@cache
def strict() -> Any:
    """The document, in which an answer has the fields that are named and no others."""
    document = yaml.load(PATH.read_text(), yaml.CSafeLoader)
    for schema in _objects(document["components"]["schemas"]):
        schema.setdefault("additionalProperties", False)
    return schemathesis.openapi.from_dict(document)


@cache
def _operations() -> dict[tuple[str, str], Any]:
    """By method and by path, whatever its parameters are called."""
    found = (each.ok() for each in strict().get_all_operations())  # the document is valid
    return {(each.method, template(each.path)): each for each in found}


def operation_of(call: Call) -> Any:
    """What the document says of a call; None where it is silent, as of pages."""
    return _operations().get((call.method, template(call.pattern)))


def template(path: str) -> str:
    """A path of the document, or of the routes, without the names of its parameters."""
    return NAMES.sub("{}", path)


def faults_of(call: Call, answer: Any) -> list[str]:
    """What the document doesn't say of an answer that Django's client was given."""
    operation = operation_of(call)
    if operation is None:
        return []
    asked = requests.Request(call.method, f"http://localhost{call.url}").prepare()
    named = {name.strip("{}"): "any" for name in NAMES.findall(operation.path)}
    return broken(operation.Case(path_parameters=named), as_response(answer, asked), HELD)


def broken(case: Any, answer: requests.Response, held: list[Any]) -> list[str]:
    """Which of the checks the answer to a case fails."""
    try:
        case.validate_response(answer, checks=held)
    except FailureGroup as group:
        label = case.operation.label
        return [f"{label}, {answer.status_code}: {each}" for each in group.exceptions]
    return []


def as_response(found: Any, asked: requests.PreparedRequest) -> requests.Response:
    """As the document's checks know it: what Django's client was given."""
    answer = requests.Response()
    answer.status_code, answer.request, answer.url = found.status_code, asked, asked.url or ""
    content = b"".join(found.streaming_content) if found.streaming else found.content
    answer.raw = urllib3.HTTPResponse(content, headers=dict(found.headers))
    answer.headers.update(found.headers)
    answer._content = content
    return answer


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict) and node.get("type") == "object":
            yield node
        for each in node.values():
            yield from _objects(each)
    elif isinstance(node, list):
        for each in node:
            yield from _objects(each)
