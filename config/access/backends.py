"""Object permissions for Django's own API: containers first, then guardian's direct grants."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser

from config.access.visibility import may
from config.organisation.models import User
from config.planned import PlannedRow

_USER = PlannedRow("user_by_key", "bigint", lambda key: User.objects.filter(pk=key).order_by())


class ContainerBackend(ModelBackend):
    """Answers `has_perm(verb, record)` by inheritance; signing in is allauth's business."""

    def authenticate(self, request: Any, *args: Any, **credentials: Any) -> None:
        """Never signs anybody in."""

    def get_user(self, user_id: int) -> User | None:
        """Who is signed in, read anew for each request; None once the account is closed."""
        user = _USER.get(user_id)
        return user if user is not None and self.user_can_authenticate(user) else None

    def has_perm(self, user_obj: User | AnonymousUser, perm: str, obj: Any = None) -> bool:
        """`perm` is a verb, or 'app.verb'."""
        if obj is None:
            return False
        return may(user_obj, perm.rsplit(".", 1)[-1], obj)
