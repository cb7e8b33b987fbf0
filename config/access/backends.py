"""Object permissions for Django's own API: containers first, then guardian's direct grants."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser

from config.access.visibility import may
from config.organisation.models import User


class ContainerBackend(ModelBackend):
    """Answers `has_perm(verb, record)` by inheritance; signing in is allauth's business."""

    def authenticate(self, request: Any, *args: Any, **credentials: Any) -> None:
        """Never signs anybody in."""

    def has_perm(self, user_obj: User | AnonymousUser, perm: str, obj: Any = None) -> bool:
        """`perm` is a verb, or 'app.verb'."""
        if obj is None:
            return False
        return may(user_obj, perm.rsplit(".", 1)[-1], obj)
