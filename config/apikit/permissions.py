"""May the caller do this at all: signed in, the token's scope, the verb on the record."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from config.access.visibility import require
from config.errors import NotAllowed
from config.organisation.models import ApiToken, Scope

VIEW = "view"  # passing the door (`visible_to`) is enough
OPEN = "open"  # everybody who is signed in; the operation itself decides about the rest


class DeclaredAction(BasePermission):
    """Every action names what it needs in `action_permissions`; one that doesn't is refused."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Signed in, with a token of the right scope."""
        if not request.user.is_authenticated:
            return False
        if isinstance(request.auth, ApiToken):
            _require_scope(request.auth, request, view)
        name = getattr(view, "action", None)
        if name is None or (request.method or "").lower() not in view.http_method_names:
            return True  # no action: 405 follows, which is the better answer
        return name in view.action_permissions

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        """The verb on the record; who gets here may see it, so the refusal says so."""
        needed = view.action_permissions[view.action]
        if needed not in (VIEW, OPEN):
            require(request.user, needed, obj)
        return True


def _require_scope(token: ApiToken, request: Request, view: Any) -> None:
    reading = request.method in SAFE_METHODS
    wanted = view.scope_read if reading else view.scope_write
    enough = {wanted, view.scope_write, Scope.ADMIN}
    if enough.isdisjoint(token.scopes):
        raise NotAllowed(
            f"This token lacks the scope '{wanted}'. Make one that has it.",
            code="scope_missing",
            audit=True,
        )
