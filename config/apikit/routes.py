"""One router out of what the apps list in `api_routes`; config imports no app, so by name."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.urls import URLPattern, URLResolver, include, path
from rest_framework.routers import SimpleRouter

FLOORS = ("incidents.urls", "escalation.urls", "postmortems.urls", "compliance.urls")
type Route = tuple[str, type[Any], str]
type Patterns = list[URLPattern | URLResolver]


def floors() -> list[Any]:
    """The urls modules of the apps that have one."""
    return [import_module(name) for name in FLOORS if find_spec(name)]


def api(own: list[Route]) -> Any:
    """The include for /api/v1/: our own routes, then those of each floor."""
    router = SimpleRouter()
    for routes in (own, *(getattr(module, "api_routes", []) for module in floors())):
        for prefix, viewset, basename in routes:
            router.register(prefix, viewset, basename)
    return include((router.urls, "api"))


def pages() -> Patterns:
    """What the floors offer beside the API: each `urlpatterns`, at the root."""
    return [
        path("", include(module.__name__))
        for module in floors()
        if getattr(module, "urlpatterns", None)
    ]
