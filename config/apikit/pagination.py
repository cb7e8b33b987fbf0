"""Pages by an opaque cursor over one unique key: stable while rows are added."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

NEXT_PAGE = "https://watchbill.example.org/api/v1/incidents/?cursor=cD0xMjM%3D"
INVALID_CURSOR = "This cursor is not one of ours. Follow `next` and `previous` as they are."


class ParameterInvalid(ValidationError):
    """A query parameter is wrong: problem entries name it as `parameter`."""

    def __init__(self, name: str, detail: str, code: str = "invalid") -> None:
        super().__init__({name: [serializers.ErrorDetail(detail, code)]})
        self.parameters = {name}


class NewestFirst(CursorPagination):
    """`{next, previous, results}`, ordered by the primary key, newest first."""

    ordering = "-pk"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    template = None

    def get_page_size(self, request: Request) -> int:
        """What was asked for, at most 200."""
        given = request.query_params.get("page_size")
        if given is None:
            return self.page_size
        if not given.isascii() or not given.isdigit() or int(given[:9]) < 1:
            raise ParameterInvalid("page_size", "Give a whole number from 1 to 200.")
        return min(int(given[:9]), self.max_page_size)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The position to go on from; a cursor that we have not made is refused."""
        try:
            cursor = super().decode_cursor(request)
        except NotFound:
            raise ParameterInvalid("cursor", INVALID_CURSOR, "invalid_cursor") from None
        position = cursor.position if cursor else None
        if position is not None and not self.is_position(str(position)):
            raise ParameterInvalid("cursor", INVALID_CURSOR, "invalid_cursor")
        return cursor

    def is_position(self, position: str) -> bool:
        """Whether this can be a key; others would fail in the database."""
        return position.isascii() and position.isdigit() and len(position) < 19

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        """Always our own: the cursor is only stable over a unique key."""
        return (self.ordering,)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A page, for the document; both links are null at the ends."""
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": {**link, "examples": [NEXT_PAGE]}, "previous": link,
                           "results": schema},
        }  # fmt: skip
