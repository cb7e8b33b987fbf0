"""Which rows somebody sees in the admin: lists, forms, pickers, filters, the palette."""

from collections.abc import Callable
from typing import Any, cast

from django.db import models
from django.db.models import Q
from django.http import HttpRequest

from config.access.rules import Level
from config.access.visibility import Access, access_for
from config.organisation.models import User

Scope = Callable[[Access], Q]
_scopes: dict[str, Scope] = {}


def scope(model: type[models.Model]) -> Callable[[Scope], Scope]:
    """Give the rule for a model whose queryset has no `visible_to` (it stands below `access`)."""

    def register(rule: Scope) -> Scope:
        _scopes[model._meta.label_lower] = rule
        return rule

    return register


def is_scoped(model: type[models.Model]) -> bool:
    """Whether anything says who sees the model's rows."""
    return hasattr(model._default_manager, "visible_to") or model._meta.label_lower in _scopes


def access_of(request: HttpRequest) -> Access:
    """What the visitor reaches: read once a request."""
    found = getattr(request, "_watchbill_access", None)
    if found is None:
        found = access_for(request.user)
        request._watchbill_access = found  # type: ignore[attr-defined]  # kept for this request
    return found


def visible_rows(model: type[models.Model], request: HttpRequest) -> models.QuerySet[Any]:
    """The rows that the visitor may see; none where nothing says who may, but to superusers."""
    manager: Any = model._default_manager
    user = actor_of(request)
    if hasattr(manager, "visible_to"):
        return cast("models.QuerySet[Any]", manager.visible_to(user))
    everything = cast("models.QuerySet[Any]", manager.all())
    if user.is_active and user.is_superuser:
        return everything
    rule = _scopes.get(model._meta.label_lower)
    return everything.filter(rule(access_of(request))) if rule else everything.none()


def actor_of(request: HttpRequest) -> User:
    """The person at the admin, as operations want them: Django's lazy wrapper can't be locked."""
    user: Any = request.user
    return cast("User", user._wrapped if user.pk and hasattr(user, "_wrapped") else user)


def oversees(request: HttpRequest) -> bool:
    """Whether the visitor audits or manages the whole enterprise."""
    access = access_of(request)
    return any(access.containers(level).everything for level in (Level.AUDIT, Level.MANAGE))
