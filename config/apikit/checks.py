"""System checks: every action of the API declares what it needs, and can be answered for."""

from collections.abc import Iterator
from typing import Any

from django.core import checks
from django.urls import URLPattern, URLResolver, get_resolver

from config.access.visibility import registered_verbs
from config.apikit.permissions import OPEN, VIEW
from config.apikit.views import Creates, Resource


@checks.register(checks.Tags.urls)
def declared_actions(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Find actions without a declared right, unregistered verbs, and models without a door."""
    found: dict[type[Resource[Any]], set[str]] = {}
    for callback in _callbacks(get_resolver().url_patterns):
        view = getattr(callback, "cls", None)
        if isinstance(view, type) and issubclass(view, Resource):
            found.setdefault(view, set()).update(callback.actions.values())
    return [problem for view, actions in found.items() for problem in check(view, actions)]


def check(view: type[Resource[Any]], actions: set[str]) -> Iterator[checks.CheckMessage]:
    """What is wrong with one resource."""
    if not hasattr(view.model._default_manager.none(), "visible_to"):
        yield checks.Error(
            f"{view.__name__}: {view.model.__name__} has no visible_to", id="api.E001"
        )
    for name in sorted(actions - set(view.action_permissions)):
        text = f"{view.__name__}.{name} does not say in action_permissions what it needs"
        yield checks.Error(text, id="api.E002")
    known = registered_verbs(view.model)
    for name, needed in view.action_permissions.items():
        if name not in ("create", "list") and needed not in (VIEW, OPEN) and needed not in known:
            text = f"{view.__name__}.{name} needs '{needed}', which {view.model.__name__} lacks"
            yield checks.Error(text, id="api.E003", hint="register_verbs(...) in its models.py")
    yield from _container(view, actions)


def _container(view: type[Resource[Any]], actions: set[str]) -> Iterator[checks.CheckMessage]:
    if "create" not in actions or not issubclass(view, Creates):
        return
    needed = view.action_permissions.get("create")
    overridden = view.container_for is not Creates.container_for
    if needed not in (None, OPEN) and not view.create_in and not overridden:
        text = f"{view.__name__} must name the input that holds the container in create_in"
        yield checks.Error(text, id="api.E004")


def _callbacks(patterns: Any) -> Iterator[Any]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _callbacks(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield pattern.callback
