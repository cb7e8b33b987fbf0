"""API tokens over the API: made, shown once, revoked."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from config.access.directory import administers
from config.apikit.serializers import Input, Ref
from config.apikit.views import OPEN, VIEW, Creates, Histories, Removes, Resource, verb
from config.errors import NotAllowed
from config.organisation import operations, rules
from config.organisation.models import ApiToken, Scope, User


class TokenOut(serializers.ModelSerializer[ApiToken]):
    """A token, without its secret."""

    owner = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    last_used_at = serializers.DateTimeField(
        source="use.last_used_at", read_only=True, default=None, allow_null=True
    )
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = ApiToken
        fields = read_only_fields = (
            "id", "name", "hint", "owner", "scopes", "networks", "expires_at", "revoked_at",
            "created_at", "last_used_at", "version",
        )  # fmt: skip


class NewTokenOut(TokenOut):
    """A token that was just made, with its secret: it is shown this once."""

    token = serializers.CharField(source="secret", read_only=True)

    class Meta(TokenOut.Meta):
        fields: Any = (*TokenOut.Meta.fields, "token")
        read_only_fields: Any = fields


class TokenIn(Input):
    """A new token, of one's own or of a service account."""

    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), allow_empty=False, max_length=20
    )
    networks = serializers.ListField(
        child=serializers.CharField(max_length=50, validators=[rules.validate_network]),
        default=list,
        max_length=50,
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    owner = Ref(User, "username", required=False, help_text="By default yourself.")


class RevokeIn(Input):
    """Why it is revoked."""

    reason = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)


class TokenViewSet(Creates, Removes, Histories, Resource[ApiToken]):
    """One's own tokens; those of service accounts for who administers the enterprise."""

    model = ApiToken
    out = TokenOut
    outputs = {"create": NewTokenOut}
    inputs = {"create": TokenIn}
    history_hides = ("digest",)
    derived = True
    scope_write = Scope.ADMIN
    # The door shows nobody a token that they may not revoke.
    action_permissions = {
        "list": VIEW,
        "retrieve": VIEW,
        "history": VIEW,
        "create": OPEN,
        "destroy": VIEW,
        "revoke": VIEW,
    }

    def shown(self, rows: QuerySet[ApiToken]) -> QuerySet[ApiToken]:
        """With owner and last use."""
        return rows.select_related("owner", "use")

    def perform_create(self, data: dict[str, Any], actor: User) -> ApiToken:
        """Make the token; for another account only who administers the enterprise."""
        owner = data.pop("owner", actor)
        if owner != actor and not administers(actor):
            raise NotAllowed("Only an administrator makes tokens for others.", audit=True)
        token, secret = operations.create_token(owner=owner, actor=actor, **data)
        token.secret = secret  # type: ignore[attr-defined]  # shown this once, never stored
        return token

    def perform_remove(self, row: Any, actor: User) -> None:
        """Revoke it; the row stays."""
        operations.revoke_token(row, actor=actor)

    @verb(RevokeIn)
    def revoke(self, row: ApiToken, data: dict[str, Any], actor: User) -> None:
        """End the token: it is refused from the next request on."""
        operations.revoke_token(row, actor=actor, reason=data["reason"])
