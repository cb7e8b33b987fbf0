"""The OpenAPI document's last touch: the problems that any call can meet, and common headers."""

from typing import Any

from config.apikit.problems import CONTENT_TYPE

EVERYWHERE = ("400", "401", "403", "406", "429", "503")
WRITES = {
    "post": ("408", "409", "413", "415", "422"),
    "patch": ("408", "409", "412", "413", "415", "428"),
    "delete": ("409", "412", "428"),
}


def describe_problems(result: Any, generator: Any, request: Any, public: bool) -> Any:
    """Add the problem document, and the answers and headers that every operation can give."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    components["headers"] = HEADERS
    components["responses"] = {f"Problem{status}": _answer(status) for status in MEANING}
    _inline_enums(result)
    for path, operations in result.get("paths", {}).items():
        for method, operation in operations.items():
            for answer in operation["responses"].values():
                answer["headers"] = _references((*answer.get("headers", ()), *ALWAYS))
            for status in _statuses(path, method):
                shared = {"$ref": f"#/components/responses/Problem{status}"}
                operation["responses"].setdefault(status, shared)
    return result


def _statuses(path: str, method: str) -> list[str]:
    # A list is there for everybody; a body may name what isn't.
    missing = ("404",) if "{" in path or method == "post" else ()
    return sorted({*EVERYWHERE, *missing, *WRITES.get(method, ())})


def _inline_enums(node: Any) -> None:
    # Enums stay where they are used: as components of their own, equal names would collide.
    if isinstance(node, dict):
        node.pop("x-spec-enum-id", None)
        for each in node.values():
            _inline_enums(each)
    elif isinstance(node, list):
        for each in node:
            _inline_enums(each)


def _answer(status: str) -> dict[str, Any]:
    reference = {"schema": {"$ref": "#/components/schemas/Problem"}}
    names = (*SAID_WITH.get(status, ()), *ALWAYS)
    return {
        "description": MEANING[status],
        "headers": _references(names),
        "content": {CONTENT_TYPE: reference},
    }


def _references(names: tuple[str, ...]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _header(text: str, kind: str = "string") -> dict[str, Any]:
    return {"description": text, "schema": {"type": kind}}


HEADERS = {
    "X-Request-ID": _header("The request's own, or a new one; logs and problems carry it."),
    "RateLimit-Policy": _header('The limit that counts, such as "default";q=600;w=60.'),
    "RateLimit": _header('What is left of it, and for how many seconds: "default";r=599;t=60.'),
    "Retry-After": _header("Seconds to wait.", "integer"),
    "WWW-Authenticate": _header("How to sign in."),
    "ETag": _header("The current version; send it back as If-Match."),
    "Location": _header("The address of what was made."),
    "Idempotency-Replayed": _header("`true`: the kept answer to an earlier request of this key."),
}
ALWAYS = ("X-Request-ID", "RateLimit-Policy", "RateLimit")
SAID_WITH = {
    "401": ("WWW-Authenticate",),
    "412": ("ETag",),
    "429": ("Retry-After",),
    "503": ("Retry-After",),
}
MEANING = {
    "400": "The request is not valid.",
    "401": "Not signed in, or the token is not in force.",
    "403": "Visible, but not allowed.",
    "404": "There is nothing here that the caller may see.",
    "406": "Only JSON is offered.",
    "408": "The body came too slowly.",
    "409": "The state or a rule of the data does not allow this.",
    "412": "The record has changed since it was read.",
    "413": "The body is larger than 1 MiB.",
    "415": "The body is not JSON.",
    "422": "The Idempotency-Key was used for another request.",
    "428": "If-Match is missing.",
    "429": "Too many requests.",
    "503": "The service can't answer just now.",
}
_TEXT = {"type": "string"}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem details. `code` is stable; `type` is its page.",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "instance": {"type": "string", "format": "uri-reference"},
        "code": _TEXT,
        "request_id": {"type": ["string", "null"]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "detail"],
                "properties": {
                    "code": _TEXT,
                    "detail": _TEXT,
                    "pointer": {"type": "string", "description": "JSON pointer into the body."},
                    "parameter": {"type": "string", "description": "Query parameter."},
                },
            },
        },
        "allowed": {"type": "array", "items": _TEXT},
        "blockers": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "text", "link"],
                "properties": {"code": _TEXT, "text": _TEXT, "link": _TEXT},
            },
        },
    },
}
