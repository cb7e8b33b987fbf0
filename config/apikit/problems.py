"""Every refusal as an RFC 9457 problem document, with a stable `code` and a page for it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import structlog
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied
from django.core.exceptions import ValidationError as ModelInvalid
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, models
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.encoding import escape_uri_path
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from config.access.refusals import record_refusal
from config.apikit import codes
from config.errors import DomainError, Stale

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER = 5
NON_FIELD = {"non_field_errors", NON_FIELD_ERRORS}
FOREIGN_KEY, CHECK = "23503", "23514"
type Problem = dict[str, Any]

logger = structlog.get_logger(__name__)


class PreconditionRequired(exceptions.APIException):
    """If-Match is missing (RFC 6585)."""

    status_code = 428
    default_code = "precondition_required"
    default_detail = "Send the ETag that you have read as If-Match."


def document(
    request: HttpRequest | Request, code: str, status: int, detail: str, **members: Any
) -> Problem:
    """The members of one problem; `members` beyond the standard ones come last."""
    known = codes.find(code)
    return {
        "type": f"/problems/{code}",
        "title": known.title if known else detail,
        "status": status,
        "detail": detail,
        "instance": escape_uri_path(request.path),
        "code": code,
        "request_id": getattr(getattr(request, "_request", request), "request_id", None),
        **members,
    }


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's hook: what was raised becomes a problem; what nobody foresaw stays an error."""
    request = context["request"]
    if isinstance(error, DomainError):
        return _domain(error, request, getattr(context.get("view"), "record", None))
    if isinstance(error, (ModelInvalid, exceptions.ValidationError)):
        return _invalid(error, request)
    if isinstance(error, IntegrityError):
        return _constraint(error, request)
    if isinstance(error, DataError):
        detail = "A value holds something that can't be stored: a NUL character or a huge number."
        return _respond(document(request, "invalid", 400, detail, errors=[]))
    if isinstance(error, (OperationalError, InterfaceError)):
        logger.error("database unavailable", exc_info=error)
        return unavailable(request)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    return _library(error, request) if isinstance(error, exceptions.APIException) else None


def unavailable(request: HttpRequest | Request) -> Response:
    """503: overload, or the database is away."""
    detail = f"The service can't answer just now. Try again in {RETRY_AFTER} seconds."
    problem = document(request, "unavailable", 503, detail)
    return _respond(problem, {"Retry-After": str(RETRY_AFTER)})


def _domain(error: DomainError, request: Request, about: models.Model | None) -> Response:
    if error.audit:
        where = f"{request.method} {request.path}"
        record_refusal(error, actor=request.user, where=where, about=about)
    members = dict(error.extra)
    tag = members.pop("etag", None) if isinstance(error, Stale) else None
    if error.field:
        entry = {"code": error.public_code, "detail": error.detail, "pointer": f"#/{error.field}"}
        members["errors"] = [entry]
    problem = document(request, error.public_code, error.status, error.detail, **members)
    return _respond(problem, {"ETag": tag} if tag else {})


def _library(error: exceptions.APIException, request: Request) -> Response:
    code = _code_of(error)
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    detail = error.detail if isinstance(error.detail, str) else "The request was refused."
    if known := codes.find(code):
        detail = str(detail) if code != "not_found" else known.remedy
    return _respond(document(request, code, error.status_code, detail), headers)


LIBRARY_CODES = {
    "parse_error": "malformed",
    "authentication_failed": "not_authenticated",
    "permission_denied": "not_allowed",
    "throttled": "too_many_requests",
    "error": "internal",
}


def _code_of(error: exceptions.APIException) -> str:
    code = error.get_codes()
    name = code if isinstance(code, str) else error.default_code
    if str(error.detail).startswith("CSRF Failed"):
        return "csrf_failed"
    return LIBRARY_CODES.get(name, name)


def _constraint(error: IntegrityError, request: Request) -> Response:
    diagnosis = getattr(error.__cause__, "diag", None)
    name = getattr(diagnosis, "constraint_name", None) or ""
    constraint = codes.constraints().get(name)
    if constraint is None:
        logger.error("integrity error without a named constraint", exc_info=error)
        detail = "The record conflicts with another one. Read both again before you retry."
        return _respond(document(request, "conflict", 409, detail))
    return _respond(document(request, name, 409, codes.message_of(constraint)))


def _invalid(error: ModelInvalid | exceptions.ValidationError, request: Request) -> Response:
    entries = list(_model_entries(error) if isinstance(error, ModelInvalid) else _entries(error))
    for entry in entries:  # the database would refuse it as a conflict, so this answers alike
        constraint = codes.constraints().get(entry["code"])
        if constraint is not None and not isinstance(constraint, models.CheckConstraint):
            return _respond(document(request, entry["code"], 409, entry["detail"], errors=entries))
    code = _single_code(error)
    detail = entries[0]["detail"] if len(entries) == 1 else f"{len(entries)} fields are wrong."
    return _respond(document(request, code, 400, detail, errors=entries))


def _single_code(error: Exception) -> str:
    found = error.get_codes() if isinstance(error, exceptions.ValidationError) else []
    only = found[0] if isinstance(found, list) and len(found) == 1 else None
    return only if isinstance(only, str) and codes.find(only) else "invalid"


def _model_entries(error: ModelInvalid) -> Iterator[dict[str, str]]:
    by_field = error.error_dict if hasattr(error, "error_dict") else {"": error.error_list}
    for field, found in by_field.items():
        for each in found:
            for text in each.messages:
                pointer = "#" if field in NON_FIELD or not field else f"#/{field}"
                yield {"code": each.code or "invalid", "detail": text, "pointer": pointer}


def _entries(error: exceptions.ValidationError) -> Iterator[dict[str, str]]:
    parameters: set[str] = getattr(error, "parameters", set())
    for path, leaf in _leaves(error.detail, ()):
        entry = {"code": leaf.code, "detail": str(leaf)}
        if path and path[0] in parameters:
            yield {**entry, "parameter": path[0]}
        else:
            yield {**entry, "pointer": "#" + "".join(f"/{_escaped(part)}" for part in path)}


def _leaves(detail: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _leaves(inner, path if name in NON_FIELD else (*path, str(name)))
    elif isinstance(detail, (list, tuple)):
        for index, inner in enumerate(detail):
            nested = not isinstance(inner, exceptions.ErrorDetail)
            yield from _leaves(inner, (*path, str(index)) if nested else path)
    else:
        yield path, detail


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _respond(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        problem, status=problem["status"], headers=dict(headers or {}), content_type=CONTENT_TYPE
    )


def plain(problem: Problem, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """The same document from outside DRF: error handlers, middleware."""
    body = json.dumps(problem)
    return HttpResponse(
        body, status=problem["status"], content_type=CONTENT_TYPE, headers=dict(headers or {})
    )
