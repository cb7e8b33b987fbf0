"""The OpenAPI document: what a resource declares, and the problems that any call can meet."""

from typing import Any, ClassVar

from drf_spectacular.contrib.django_filters import DjangoFilterExtension
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from config.apikit.filters import extra_parameters
from config.apikit.problems import CONTENT_TYPE
from config.apikit.views import Resource

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Repeating the request with the same key has one effect and the same answer.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description='The ETag of the version that you have read, such as "v7".',
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="304 when you have this version."
)
EVERYWHERE = ("400", "401", "403", "404", "406", "429", "503")
WRITES = {
    "post": ("409", "413", "415", "422"),
    "patch": ("409", "412", "413", "415", "428"),
    "delete": ("409", "412", "428"),
}


class Schema(AutoSchema):
    """Reads `inputs`, `out` and the verbs of a resource."""

    _names: ClassVar[dict[str, Any]] = {}

    def get_request_serializer(self) -> Any:
        """What the action takes; None for none."""
        if not isinstance(self.view, Resource):
            return super().get_request_serializer()
        given = self.view.input_class()
        return given(partial=self.method == "PATCH") if given else None

    def get_response_serializers(self) -> Any:
        """What the action answers, by status."""
        if not isinstance(self.view, Resource):
            return super().get_response_serializers()
        if self.method == "DELETE":
            return {204: OpenApiResponse(description="Done.")}
        answer = self.view.get_serializer_class()
        shown = answer(many=True) if self._is_list_view(answer) else answer()
        return {self._status(): shown}

    def get_override_parameters(self) -> Any:
        """The headers that the base understands."""
        if not isinstance(self.view, Resource):
            return super().get_override_parameters()
        found = {
            "POST": [IDEMPOTENCY_KEY],
            "PATCH": [IF_MATCH],
            "DELETE": [IF_MATCH],
            "GET": [IF_NONE_MATCH] if self.view.action == "retrieve" else [],
        }
        return found.get(self.method, [])

    def get_operation_id(self) -> str:
        """`incidents_acknowledge`: the list's name and the action."""
        if not isinstance(self.view, Resource):
            return super().get_operation_id()
        resource = self._tokenize_path()[0].replace("-", "_")
        action = getattr(self.view, "action", self.method.lower())
        return f"{resource}_{action}"

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        """The class's name; where two rooms use one, the later is prefixed with its room."""
        kind = serializer if isinstance(serializer, type) else type(serializer)
        name = str(super().get_serializer_name(serializer, direction))
        if self._names.setdefault(name, kind) is kind:
            return name
        room = kind.__module__.split(".")[-2].title().replace("_", "")
        return f"{room}{name}"

    def get_tags(self) -> list[str]:
        """One group per resource."""
        return self._tokenize_path()[:1] or ["api"]

    def _is_list_view(self, serializer: Any = None) -> bool:
        if not isinstance(self.view, Resource):
            return bool(super()._is_list_view(serializer))
        return self.view.action == "list" or bool(getattr(self._handler(), "lists", False))

    def _handler(self) -> Any:
        return getattr(type(self.view), getattr(self.view, "action", "") or "", None)

    def _status(self) -> int:
        if getattr(self.view, "action", "") == "create":
            return 201
        return int(getattr(self._handler(), "status", 200))


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """The bearer token."""

    target_class = "config.apikit.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """HTTP bearer."""
        text = "An API token: `wb_pat_...`"
        return {"type": "http", "scheme": "bearer", "description": text}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """The browser's session."""

    target_class = "config.apikit.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """A cookie."""
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}


class FilterScheme(DjangoFilterExtension):  # type: ignore[no-untyped-call]  # registers itself
    """django-filter's parameters, with `q` and `updated_since`."""

    target_class = "config.apikit.filters.StrictFilterBackend"
    priority = 1

    def get_schema_operation_parameters(self, auto_schema: Any, *args: Any, **kwargs: Any) -> Any:
        """Both kinds."""
        inherited: Any = super().get_schema_operation_parameters
        found = inherited(auto_schema, *args, **kwargs)
        formats = {"updated_since": {"type": "string", "format": "date-time"}}
        for name, text in extra_parameters(auto_schema.view).items():
            schema = formats.get(name, {"type": "string", "maxLength": 200})
            found.append({"name": name, "in": "query", "description": text, "schema": schema})
        return found


def describe_problems(result: Any, generator: Any, request: Any, public: bool) -> Any:
    """Add the problem document, and the answers that every operation can give."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    components["responses"] = {f"Problem{status}": _answer(status) for status in MEANING}
    _inline_enums(result)
    for path, operations in result.get("paths", {}).items():
        for method, operation in operations.items():
            for status in sorted({*EVERYWHERE, *WRITES.get(method, ())}):
                if status == "404" and "{" not in path and method != "post":
                    continue
                shared = {"$ref": f"#/components/responses/Problem{status}"}
                operation["responses"].setdefault(status, shared)
    return result


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
    answer: dict[str, Any] = {"description": MEANING[status], "content": {CONTENT_TYPE: reference}}
    if status in ("429", "503"):
        text = "Seconds to wait."
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": text}}
    return answer


MEANING = {
    "400": "The request is not valid.",
    "401": "Not signed in, or the token is not in force.",
    "403": "Visible, but not allowed.",
    "404": "There is nothing here that the caller may see.",
    "406": "Only JSON is offered.",
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
