"""Versions of rows over HTTP: ETag, If-None-Match, If-Match."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from config.apikit.problems import PreconditionRequired
from config.errors import Stale


def etag(row: Any) -> str | None:
    """`"v7"` for a tracked row; nothing for rows without versions."""
    revision = getattr(row, "revision", None)
    return None if revision is None else f'"v{revision}"'


def tagged(response: Response, row: Any) -> Response:
    """The response with the row's ETag."""
    if tag := etag(row):
        response["ETag"] = tag
    return response


def known(request: Request, row: Any) -> bool:
    """Whether the caller says that it has this version already."""
    tags = _tags(request.headers.get("If-None-Match", ""))
    return "*" in tags or etag(row) in {tag.removeprefix("W/") for tag in tags}


def expect(request: Request, row: Any) -> None:
    """Refuse a change of a version that the caller has not seen. `row` is locked already."""
    given = request.headers.get("If-Match", "")
    current = etag(row)
    if not given.strip():
        raise PreconditionRequired
    tags = _tags(given)
    if "*" not in tags and current not in tags:
        raise Stale(
            "Somebody has changed this since you read it. Read it again, and send its ETag.",
            etag=current,
        )


def _tags(header: str) -> set[str]:
    return {tag.strip() for tag in header.split(",") if tag.strip()}
