"""`docs/openapi.yaml`, taken at its word: what it doesn't name, nobody may be answered."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import schemathesis
import yaml
from django.conf import settings
from schemathesis import GenerationMode, checks
from schemathesis.core.failures import Failure

PATH = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"
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


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict) and node.get("type") == "object":
            yield node
        for each in node.values():
            yield from _objects(each)
    elif isinstance(node, list):
        for each in node:
            yield from _objects(each)
