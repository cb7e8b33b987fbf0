"""Who is who here, and who holds which role where."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.access import operations
from config.access.directory import manages
from config.access.models import ContainerType, RoleAssignment
from config.access.rules import Role
from config.access.visibility import container_model
from config.apikit.serializers import Input, ReasonIn, Ref
from config.apikit.views import OPEN, VIEW, Creates, Histories, Resource, verb
from config.errors import NotAllowed
from config.organisation.models import ApiToken, Scope, Team, User, UserKind


class AssignmentOut(serializers.ModelSerializer[RoleAssignment]):
    """Somebody holds a role on a container for a time."""

    role = serializers.SlugRelatedField[Any](slug_field="name", read_only=True)
    person = serializers.SlugRelatedField[Any](
        slug_field="username", read_only=True, allow_null=True
    )
    team = serializers.SlugRelatedField[Any](slug_field="key", read_only=True, allow_null=True)
    container = serializers.SerializerMethodField()
    approved_by = serializers.SlugRelatedField[Any](
        slug_field="username", read_only=True, allow_null=True
    )
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = RoleAssignment
        fields = read_only_fields = (
            "id", "role", "person", "team", "container_type", "container", "starts_at", "until",
            "reason", "approved_by", "revoked_at", "created_at", "version",
        )  # fmt: skip

    def get_container(self, row: RoleAssignment) -> str:
        """The key of the unit, team or service; read once for all rows."""
        context: Any = self.context
        kept = context.setdefault("container_keys", {})
        kind = row.container_type
        if kind not in kept:
            kept[kind] = dict(container_model(kind)._base_manager.values_list("pk", "key"))
        return str(kept[kind].get(row.container_id, row.container_id))


class AssignmentIn(Input):
    """Who is given which role, where, for how long, and why."""

    role = serializers.ChoiceField(choices=Role.choices)
    person = Ref(User, "username", required=False)
    team = Ref(Team, required=False)
    container_type = serializers.ChoiceField(choices=ContainerType.choices)
    container = serializers.CharField(max_length=60, help_text="Key of the unit, team or service.")
    starts_at = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False, allow_null=True)
    reason = serializers.CharField(max_length=2000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One holder, and a container that the caller may see."""
        if ("person" in attrs) == ("team" in attrs):
            raise serializers.ValidationError({"person": "Name a person or a team, not both."})
        manager: Any = container_model(attrs["container_type"])._default_manager
        rows = manager.visible_to(self.context["request"].user)
        attrs["container"] = rows.filter(key=attrs["container"]).first()
        if attrs["container"] is None:
            text = f"There is no such {attrs['container_type']} that you may see."
            raise serializers.ValidationError({"container": text})
        return attrs


class EndIn(Input):
    """When the role ends (null: until it is taken back), and why that changes."""

    until = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(max_length=2000)


class AssignmentFilters(django_filters.FilterSet):
    """Which assignments."""

    role = django_filters.ChoiceFilter(field_name="role__name", choices=Role.choices)
    person = django_filters.CharFilter(field_name="person__username", label="User name.")
    team = django_filters.CharFilter(field_name="team__key", label="Key of a team.")
    container_type = django_filters.ChoiceFilter(choices=ContainerType.choices)
    in_force = django_filters.BooleanFilter(method="only_in_force", label="Only those in force.")

    def only_in_force(self, rows: Any, name: str, value: bool) -> Any:
        """Begun, not ended, not revoked."""
        return rows.in_force() if value else rows


class AssignmentViewSet(Creates, Histories, Resource[RoleAssignment]):
    """Role assignments: the truth about who may do what."""

    model = RoleAssignment
    out = AssignmentOut
    inputs = {"create": AssignmentIn}
    filterset_class = AssignmentFilters
    scope_write = Scope.ADMIN
    # Which container decides stands in the arguments: `_require_manager` asks.
    action_permissions = {
        "list": VIEW,
        "retrieve": VIEW,
        "history": VIEW,
        "create": OPEN,
        "revoke": VIEW,
        "change_end": VIEW,
    }

    def shown(self, rows: QuerySet[RoleAssignment]) -> QuerySet[RoleAssignment]:
        """With the names."""
        return rows.select_related("role", "person", "team", "approved_by")

    def perform_create(self, data: dict[str, Any], actor: User) -> RoleAssignment:
        """Give the role."""
        _require_manager(actor, data["container"])
        return operations.grant_role(
            data["role"],
            to=data.get("person") or data["team"],
            on=data["container"],
            actor=actor,
            reason=data["reason"],
            starts_at=data.get("starts_at"),
            until=data.get("until"),
        )

    @verb(EndIn)
    def change_end(self, row: RoleAssignment, data: dict[str, Any], actor: User) -> None:
        """Let the role end earlier or later; nobody prolongs their own."""
        _require_manager(actor, container_model(row.container_type)._base_manager.get(
            pk=row.container_id
        ))  # fmt: skip
        operations.change_end(row, actor=actor, **data)

    @verb(ReasonIn)
    def revoke(self, row: RoleAssignment, data: dict[str, Any], actor: User) -> None:
        """Take the role back from now on."""
        _require_manager(actor, container_model(row.container_type)._base_manager.get(
            pk=row.container_id
        ))  # fmt: skip
        operations.revoke_role(row, actor=actor, reason=data["reason"])


def _require_manager(actor: User, container: Any) -> None:
    if not manages(actor, container):
        raise NotAllowed("Roles there are given by those who manage it.", audit=True)


class MeOut(serializers.Serializer[Any]):
    """Who the caller is, with the roles in force and the token's scopes."""

    username = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)
    email = serializers.EmailField(read_only=True)
    kind = serializers.ChoiceField(choices=UserKind.choices, read_only=True)
    time_zone = serializers.CharField(read_only=True)
    teams = serializers.ListField(child=serializers.CharField(), read_only=True)
    roles = AssignmentOut(many=True, read_only=True)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), read_only=True, allow_null=True
    )


class MeView(APIView):
    """The caller's own account."""

    permission_classes = [IsAuthenticated]
    http_method_names = ["get", "head"]

    @extend_schema(responses=MeOut, operation_id="me_retrieve", tags=["me"])
    def get(self, request: Request) -> Response:
        """Who am I, and what may I do?"""
        user: Any = request.user
        mine = RoleAssignment.objects.in_force().held_by(user.pk)
        found = {name: getattr(user, name) for name in ("username", "name", "email", "kind")}
        return Response(
            MeOut(
                {
                    **found,
                    "time_zone": user.time_zone,
                    "teams": list(user.teams.order_by("key").values_list("key", flat=True)),
                    "roles": mine.select_related("role", "person", "team", "approved_by"),
                    "scopes": request.auth.scopes if isinstance(request.auth, ApiToken) else None,
                }
            ).data
        )
