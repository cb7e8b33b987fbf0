"""What `users/<username>/rights/` answers, and delegations over the API."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers

from config.access import delegations
from config.access.models import ContainerType, Delegation
from config.access.rights import Rights, rights_of
from config.access.rules import Level
from config.access.visibility import container_model
from config.apikit.pagination import ParameterInvalid
from config.apikit.serializers import Input, ReasonIn, Ref
from config.apikit.views import OPEN, VIEW, Creates, Histories, Resource, verb
from config.organisation.models import Scope, User


class RightOut(serializers.Serializer[Any]):
    """One role that holds now: where, what it gives there and below, and why."""

    assignment = serializers.IntegerField(source="assignment.pk", read_only=True)
    role = serializers.CharField(read_only=True)
    levels = serializers.ListField(
        child=serializers.ChoiceField(choices=Level.choices), read_only=True
    )
    container_type = serializers.ChoiceField(
        source="assignment.container_type", choices=ContainerType.choices, read_only=True
    )
    container = serializers.CharField(
        source="container.key", read_only=True, help_text="It holds for all that lies below, too."
    )
    via = serializers.CharField(
        read_only=True, help_text="Key of the team that holds it; empty: the person does."
    )
    starts_at = serializers.DateTimeField(source="assignment.starts_at", read_only=True)
    until = serializers.DateTimeField(source="assignment.until", read_only=True, allow_null=True)
    reason = serializers.CharField(source="assignment.reason", read_only=True)


class RightsOut(serializers.Serializer[Any]):
    """All that a person may do, as far as the caller may know."""

    person = serializers.CharField(source="person.username", read_only=True)
    superuser = serializers.BooleanField(source="is_superuser", read_only=True)
    roles = RightOut(many=True, read_only=True)
    let_in_to = serializers.ListField(
        child=serializers.CharField(), read_only=True,
        help_text="Restricted records to which the person was let in, that the caller sees too.",
    )  # fmt: skip
    stands_in_for = serializers.SerializerMethodField(help_text="User names.")

    def get_stands_in_for(self, rights: Rights) -> list[str]:
        """For whom the person may say that they act."""
        return [row.principal.username for row in rights.stands_in_for]


def asked_rights(person: User, reader: User, asked: Any) -> Rights:
    """Narrowed by `container_type` and `container`, where both are named."""
    for name in asked:
        if name not in {"container_type", "container"}:
            raise ParameterInvalid(
                name, f"There is no parameter '{name}' here.", "unknown_parameter"
            )
    kind, key = asked.get("container_type"), asked.get("container")
    if kind is None and key is None:
        return rights_of(person, reader=reader)
    if kind not in ContainerType.values:
        raise ParameterInvalid("container_type", "Name a unit, a team or a service.")
    manager: Any = container_model(kind)._default_manager
    found = manager.visible_to(reader).filter(key=key or "").first()
    if found is None:
        raise ParameterInvalid("container", f"There is no such {kind} that you may see.")
    return rights_of(person, reader=reader, on=found)


class DelegationOut(serializers.ModelSerializer[Delegation]):
    """One person stands in for another."""

    principal = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    delegate = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = Delegation
        fields = read_only_fields = (
            "id", "principal", "delegate", "starts_at", "until", "reason", "revoked_at",
            "created_at", "version",
        )  # fmt: skip


class DelegationIn(Input):
    """Who stands in, for whom (yourself, unless you administer), and until when."""

    delegate = Ref(User, "username")
    principal = Ref(User, "username", required=False)
    starts_at = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField()
    reason = serializers.CharField(max_length=2000)


class DelegationFilters(django_filters.FilterSet):
    """Which delegations."""

    principal = django_filters.CharFilter(field_name="principal__username", label="User name.")
    delegate = django_filters.CharFilter(field_name="delegate__username", label="User name.")
    in_force = django_filters.BooleanFilter(method="only_in_force", label="Only those in force.")

    def only_in_force(self, rows: Any, name: str, value: bool) -> Any:
        """Begun, not ended, not taken back."""
        return rows.in_force() if value else rows


class DelegationViewSet(Creates, Histories, Resource[Delegation]):
    """Who stands in for whom. Send `X-Watchbill-Acting-For` with the user name to act so."""

    model = Delegation
    out = DelegationOut
    inputs = {"create": DelegationIn}
    filterset_class = DelegationFilters
    scope_write = Scope.ADMIN
    # Who may is decided by the operation: it depends on for whom.
    action_permissions = {
        **dict.fromkeys(("list", "retrieve", "history", "revoke"), VIEW), "create": OPEN,
    }  # fmt: skip

    def shown(self, rows: QuerySet[Delegation]) -> QuerySet[Delegation]:
        """With the names."""
        return rows.select_related("principal", "delegate")

    def perform_create(self, data: dict[str, Any], actor: User) -> Delegation:
        """Let somebody stand in."""
        return delegations.delegate(actor=actor, **data)

    @verb(ReasonIn)
    def revoke(self, row: Delegation, data: dict[str, Any], actor: User) -> None:
        """End it now."""
        delegations.revoke_delegation(row, actor=actor, reason=data["reason"])
