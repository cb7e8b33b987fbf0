"""Units, teams, accounts and API tokens over the API."""

from typing import Any

import django_filters
from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from config.access.models import ContainerType
from config.access.operations import add_member, enterprise, remove_member
from config.access.rights_api import RightsOut, asked_rights
from config.access.visibility import require
from config.apikit.serializers import Input, ReasonIn, Ref
from config.apikit.views import VIEW, Creates, Edits, Histories, Resource, verb
from config.errors import Refused
from config.organisation import operations
from config.organisation.models import BusinessUnit, Membership, Scope, Team, User, UserKind
from config.organisation.rules import Domain

LIST = {"list": VIEW, "retrieve": VIEW, "history": VIEW}


class UnitOut(serializers.ModelSerializer[BusinessUnit]):
    """A business unit."""

    parent: Any = serializers.SlugRelatedField(slug_field="key", read_only=True, allow_null=True)
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = BusinessUnit
        fields = read_only_fields = ("key", "name", "parent", "time_zone", "version")


class UnitIn(Input):
    """A new unit."""

    key = serializers.SlugField(max_length=60)
    name = serializers.CharField(max_length=120)
    parent: Any = Ref(BusinessUnit)
    time_zone = serializers.CharField(max_length=64, default="UTC")


class UnitEditIn(Input):
    """What can be changed about a unit."""

    name = serializers.CharField(max_length=120, required=False)
    parent: Any = Ref(BusinessUnit, required=False)
    time_zone = serializers.CharField(max_length=64, required=False)


class UnitViewSet(Creates, Edits, Histories, Resource[BusinessUnit]):
    """Business units; the root is the enterprise."""

    model = BusinessUnit
    out = UnitOut
    lookup_field = "key"
    inputs = {"create": UnitIn, "partial_update": UnitEditIn}
    create_in = "parent"
    scope_write = Scope.ADMIN
    action_permissions = {**LIST, "create": "add_unit", "partial_update": "edit"}

    def shown(self, rows: QuerySet[BusinessUnit]) -> QuerySet[BusinessUnit]:
        """With the parents."""
        return rows.select_related("parent")

    def perform_create(self, data: dict[str, Any], actor: User) -> BusinessUnit:
        """Add the unit."""
        return operations.create_unit(actor=actor, **data)

    def perform_edit(self, row: Any, data: dict[str, Any], actor: User) -> None:
        """Change the unit; moving it needs the right on the new parent as well."""
        if "parent" in data:
            require(actor, "add_unit", data["parent"])
        operations.edit_unit(row, changes=data, actor=actor)


class MemberOut(serializers.ModelSerializer[Membership]):
    """One person in a team."""

    username = serializers.CharField(source="user.username", read_only=True)
    name = serializers.CharField(source="user.name", read_only=True)

    class Meta:
        model = Membership
        fields = read_only_fields = ("username", "name", "is_lead")


class TeamOut(serializers.ModelSerializer[Team]):
    """A team and its members."""

    unit = serializers.SlugRelatedField[Any](slug_field="key", read_only=True)
    members = MemberOut(source="memberships", many=True, read_only=True)
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = Team
        fields = read_only_fields = (
            *("key", "name", "unit", "domain", "region", "description", "is_active", "members"),
            "version",
        )  # fmt: skip


class TeamIn(Input):
    """A new team."""

    key = serializers.SlugField(max_length=60)
    name = serializers.CharField(max_length=120)
    unit = Ref(BusinessUnit)
    domain = serializers.ChoiceField(choices=Domain.choices, required=False, allow_blank=True)
    region = serializers.CharField(required=False, allow_blank=True, max_length=40)
    description = serializers.CharField(required=False, allow_blank=True, max_length=5000)


class TeamEditIn(Input):
    """What can be changed about a team."""

    name = serializers.CharField(max_length=120, required=False)
    unit = Ref(BusinessUnit, required=False)
    domain = serializers.ChoiceField(choices=Domain.choices, required=False, allow_blank=True)
    region = serializers.CharField(required=False, allow_blank=True, max_length=40)
    description = serializers.CharField(required=False, allow_blank=True, max_length=5000)
    is_active = serializers.BooleanField(required=False)


class MemberIn(Input):
    """Who joins."""

    user = Ref(User, "username")
    is_lead = serializers.BooleanField(default=False)


class LeaverIn(Input):
    """Who leaves, and why."""

    user = Ref(User, "username")
    reason = serializers.CharField(max_length=2000, required=False, default="")


class TeamFilters(django_filters.FilterSet):
    """Which teams."""

    unit = django_filters.CharFilter(field_name="unit__key", label="Key of the unit.")
    domain = django_filters.MultipleChoiceFilter(choices=Domain.choices)
    region = django_filters.CharFilter()
    is_active = django_filters.BooleanFilter()


class TeamViewSet(Creates, Edits, Histories, Resource[Team]):
    """Teams, who own services and are on call for them."""

    model = Team
    out = TeamOut
    lookup_field = "key"
    inputs = {"create": TeamIn, "partial_update": TeamEditIn}
    filterset_class = TeamFilters
    create_in = "unit"
    derived = True
    scope_write = Scope.ADMIN
    action_permissions = {
        **LIST,
        "create": "add_team",
        "partial_update": "edit",
        "add_member": "add_member",
        "remove_member": "remove_member",
    }

    def shown(self, rows: QuerySet[Team]) -> QuerySet[Team]:
        """With unit and members."""
        members = Membership.objects.select_related("user").order_by("user__username")
        return rows.select_related("unit").prefetch_related(Prefetch("memberships", members))

    def perform_create(self, data: dict[str, Any], actor: User) -> Team:
        """Add the team."""
        return operations.create_team(actor=actor, **data)

    def perform_edit(self, row: Any, data: dict[str, Any], actor: User) -> None:
        """Change the team; moving it needs the right on the new unit as well."""
        if "unit" in data:
            require(actor, "add_team", data["unit"])
        operations.edit_team(row, changes=data, actor=actor)

    @verb(MemberIn)
    def add_member(self, row: Team, data: dict[str, Any], actor: User) -> Team:
        """Take somebody into the team, with the roles that it holds."""
        add_member(row, data["user"], actor=actor, is_lead=data["is_lead"])
        return self.get_queryset().get(pk=row.pk)

    @verb(LeaverIn)
    def remove_member(self, row: Team, data: dict[str, Any], actor: User) -> Team:
        """Take somebody out of the team, and with it what they held through it."""
        membership = row.memberships.filter(user=data["user"]).first()
        if membership is None:
            raise Refused("This person is not in the team.", code="not_a_member", field="user")
        remove_member(membership, actor=actor, reason=data["reason"])
        return self.get_queryset().get(pk=row.pk)


class UserOut(serializers.ModelSerializer[User]):
    """An account."""

    teams = serializers.SlugRelatedField[Any](slug_field="key", many=True, read_only=True)
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = User
        fields = read_only_fields = (
            "username", "name", "email", "kind", "time_zone", "is_active", "is_staff", "teams",
            "version",
        )  # fmt: skip


class UserIn(Input):
    """A new person, or a service account."""

    username = serializers.CharField(max_length=150)
    name = serializers.CharField(max_length=150)
    email = serializers.EmailField(required=False)
    kind = serializers.ChoiceField(
        choices=[UserKind.PERSON, UserKind.SERVICE_ACCOUNT], default=UserKind.PERSON
    )
    time_zone = serializers.CharField(max_length=64, default="UTC")
    is_staff = serializers.BooleanField(default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A person has a mail address; a service account has neither that nor the admin."""
        if attrs["kind"] == UserKind.PERSON and not attrs.get("email"):
            raise serializers.ValidationError({"email": "A person needs a mail address."})
        return attrs


class UserEditIn(Input):
    """What can be changed about an account."""

    name = serializers.CharField(max_length=150, required=False)
    email = serializers.EmailField(required=False)
    time_zone = serializers.CharField(max_length=64, required=False)
    is_staff = serializers.BooleanField(required=False)


class UserFilters(django_filters.FilterSet):
    """Which accounts."""

    kind = django_filters.ChoiceFilter(choices=UserKind.choices)
    is_active = django_filters.BooleanFilter()
    team = django_filters.CharFilter(field_name="teams__key", label="Key of a team.")


class UserViewSet(Creates, Edits, Histories, Resource[User]):
    """People and service accounts. Nobody is deleted: accounts are deactivated."""

    model = User
    out = UserOut
    lookup_field = "username"
    inputs = {"create": UserIn, "partial_update": UserEditIn}
    filterset_class = UserFilters
    derived = True
    scope_write = Scope.ADMIN
    action_permissions = {
        **LIST,
        "create": "add_account",
        "partial_update": "edit",
        "deactivate": "deactivate",
        "activate": "activate",
        "rights": VIEW,
    }

    def shown(self, rows: QuerySet[User]) -> QuerySet[User]:
        """With the teams."""
        return rows.prefetch_related(Prefetch("teams", Team.objects.order_by("key")))

    def container_for(self, data: Any) -> BusinessUnit:
        """Accounts belong to the enterprise."""
        return enterprise()

    def perform_create(self, data: dict[str, Any], actor: User) -> User:
        """Invite the person, or add the service account."""
        if data.pop("kind") == UserKind.SERVICE_ACCOUNT:
            return operations.create_service_account(
                username=data["username"], name=data["name"], actor=actor
            )
        return operations.create_person(actor=actor, **data)

    def perform_edit(self, row: Any, data: dict[str, Any], actor: User) -> None:
        """Change the account."""
        operations.edit_user(row, changes=data, actor=actor)

    @verb(ReasonIn)
    def deactivate(self, row: User, data: dict[str, Any], actor: User) -> None:
        """Shut the account: no sign-in and no token works from the next request on."""
        operations.deactivate_user(row, actor=actor, reason=data["reason"])

    @verb(ReasonIn)
    def activate(self, row: User, data: dict[str, Any], actor: User) -> None:
        """Open the account again."""
        operations.activate_user(row, actor=actor, reason=data["reason"])

    @extend_schema(
        parameters=[
            OpenApiParameter("container_type", str, enum=ContainerType.values),
            OpenApiParameter("container", str, description="Only what reaches it, by its key."),
        ]
    )
    @action(detail=True, methods=["get"], filter_backends=[], pagination_class=None)
    def rights(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What the person may do where, and why, as far as the caller may know."""
        reader: Any = request.user
        found = asked_rights(self.get_object(), reader, request.query_params)
        return Response(RightsOut(found, context=self.get_serializer_context()).data)

    rights.answer = RightsOut  # type: ignore[attr-defined]  # read by the schema
