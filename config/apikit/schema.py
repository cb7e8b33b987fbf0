"""The OpenAPI document: what a resource declares, and the problems that any call can meet."""

from typing import Any, ClassVar

from drf_spectacular.contrib.django_filters import DjangoFilterExtension
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.serializers import ListSerializer

from config.apikit import schema_fields
from config.apikit.filters import extra_parameters
from config.apikit.masking import may_be_left_out
from config.apikit.serializers import Input
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
# What answers carry, by status; the words about them are in schema_problems.
ETAG = OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200, 201, 304])
LOCATION = OpenApiParameter("Location", str, OpenApiParameter.HEADER, response=[201])
REPLAYED = OpenApiParameter(
    "Idempotency-Replayed", str, OpenApiParameter.HEADER, response=[200, 201, 202]
)


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
        kept = {304: OpenApiResponse(description="You have this version.")}
        return {self._status(): shown, **(kept if self._is_cacheable() else {})}

    def get_override_parameters(self) -> Any:
        """The headers that the base understands, and those that it answers."""
        if not isinstance(self.view, Resource):
            return super().get_override_parameters()
        found = {
            "POST": [IDEMPOTENCY_KEY, REPLAYED],
            "PATCH": [IF_MATCH],
            "DELETE": [IF_MATCH],
            "GET": [IF_NONE_MATCH] if self._is_cacheable() else [],
        }
        made = [LOCATION] if self.view.action == "create" else []
        return [*found.get(self.method, []), *made, *([ETAG] if self._is_versioned() else [])]

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
        if isinstance(serializer, ListSerializer):
            return True
        return self.view.action == "list" or bool(getattr(self._handler(), "lists", False))

    def _is_cacheable(self) -> bool:
        view: Any = self.view
        return getattr(view, "action", "") == "retrieve" and not view.derived

    def _is_versioned(self) -> bool:
        """Whether the answer is one row with an ETag."""
        view: Any = self.view
        answer = view.get_serializer_class()
        model = getattr(getattr(answer, "Meta", None), "model", None) or view.model
        return not self._is_list_view() and self.method != "DELETE" and hasattr(model, "revision")

    def _map_serializer_field(
        self, field: Any, direction: Any, bypass_extensions: Any = False
    ) -> Any:
        if direction == "response":
            schema_fields.widen(field)
        mapped: Any = super()._map_serializer_field
        found = mapped(field, direction, bypass_extensions)
        return schema_fields.plain(field, found)

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        mapped: Any = super()._map_basic_serializer
        found = mapped(serializer, direction)
        kind = serializer if isinstance(serializer, type) else type(serializer)
        if direction == "request" and issubclass(kind, Input):
            found["additionalProperties"] = False
        left_out = may_be_left_out(kind) if direction == "response" else frozenset()
        if left_out and "required" in found:
            found["required"] = [name for name in found["required"] if name not in left_out]
        return found

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
