"""Pages beside the API: one per problem code, the documentation, and errors outside DRF."""

import sys
from functools import cache
from typing import Any

from csp.decorators import csp_update
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.utils.decorators import method_decorator
from django.views import defaults
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request

from config.apikit import codes
from config.apikit.problems import RETRY_AFTER, document, plain


@require_safe
def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    """What a code means, and what to do."""
    found = codes.find(code)
    if found is None:
        raise Http404
    return render(request, "apikit/problem.html", {"code": code, "found": found})


@require_safe
def problem_list(request: HttpRequest) -> HttpResponse:
    """All codes."""
    return render(request, "apikit/problems.html", {"codes": codes.every()})


class DocumentView(SpectacularAPIView):
    """The OpenAPI document, in YAML or JSON: the same for everybody, so it is made once a process.

    Making it takes seconds, and anybody may ask for it.
    """

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """With the name under which to keep it."""
        renderer: Any = request.accepted_renderer
        kind: Any = type(renderer)
        name = f"{settings.SPECTACULAR_SETTINGS['TITLE']}.{renderer.format}"
        return HttpResponse(
            _written(kind),
            content_type=request.accepted_media_type,
            headers={"Content-Disposition": f'inline; filename="{name}"'},
        )


@cache
def _written(renderer: Any) -> bytes:
    generator: Any = SchemaGenerator  # neither it nor the renderers have types
    found: bytes = renderer().render(generator().get_schema(public=True), renderer_context={})
    return found


@method_decorator(csp_update(settings.DOCS_CSP), name="dispatch")
class DocsView(SpectacularSwaggerSplitView):
    """The interactive documentation, from files of our own: it works offline."""


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 outside DRF: a wrong Host header, too many fields."""
    if _is_api(request):
        return plain(document(request, "malformed", 400, "The request can't be read."))
    return defaults.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403 outside DRF."""
    if _is_api(request):
        return plain(document(request, "not_allowed", 403, "You may not do this."))
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404 outside DRF: no such route."""
    if _is_api(request):
        text = "There is nothing at this address. /api/docs/ lists what there is."
        return plain(document(request, "not_found", 404, text))
    return defaults.page_not_found(request, exception)


def failed(request: HttpRequest) -> HttpResponse:
    """500: the log has the rest, the answer says nothing. 503 while the database is away."""
    if isinstance(sys.exception(), (OperationalError, InterfaceError)):
        return _away(request)
    if _is_api(request):
        text = "Something went wrong on our side, and nothing was changed."
        return plain(document(request, "internal", 500, text))
    return defaults.server_error(request)


def _away(request: HttpRequest) -> HttpResponse:
    headers = {"Retry-After": str(RETRY_AFTER)}
    if _is_api(request):
        text = f"The service can't answer just now. Try again in {RETRY_AFTER} seconds."
        return plain(document(request, "unavailable", 503, text), headers)
    # Without the request: what fills the context of pages would ask the database.
    return HttpResponse(get_template("503.html").render(), status=503, headers=headers)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 of Django's CSRF check on pages with forms."""
    text = "The form has expired, or cookies are off. Go back, reload the page, and try again."
    context: dict[str, Any] = {"text": text}
    return render(request, "apikit/csrf.html", context, status=403)
