"""Escalation policies as governed versions, their simulation, and where each is used."""

import datetime
from typing import Any

import django_filters
from rest_framework import serializers

from config import clock
from config.access.visibility import require
from config.apikit.serializers import Input, Ref
from config.apikit.views import OPEN, VIEW, Creates, Histories, Resource, verb
from config.errors import Invalid
from config.governance.api import (
    VERSION_FIELDS,
    DraftIn,
    PolicyVersionViewSet,
    VersionOut,
    version_inputs,
)
from config.governance.models import Policy
from config.organisation.models import Team, User
from escalation.policies import operations
from escalation.policies.models import EscalationPolicyVersion, PolicyUse, Target, Tier
from escalation.rota.models import Schedule
from incidents.catalog.models import Service
from incidents.taxonomy.models import Severity


class TierOut(serializers.ModelSerializer[Tier]):
    """One tier."""

    schedule = serializers.SlugRelatedField[Schedule](slug_field="key", read_only=True)
    person = serializers.SlugRelatedField[User](slug_field="username", read_only=True)

    class Meta:
        model = Tier
        fields = read_only_fields = (
            "line", "position", "target", "schedule", "person", "role", "wait_minutes",
        )  # fmt: skip


class TierIn(Input):
    """One tier of a draft; `line` names it across versions."""

    line = serializers.CharField(max_length=40)
    position = serializers.IntegerField(min_value=1, max_value=50)
    target = serializers.ChoiceField(choices=Target.choices)
    schedule = Ref(Schedule, required=False, allow_null=True)
    person = Ref(User, "username", required=False, allow_null=True)
    role = serializers.CharField(max_length=40, required=False, allow_blank=True)
    wait_minutes = serializers.IntegerField(
        min_value=1, max_value=10080, required=False, allow_null=True
    )


class EscalationPolicyOut(VersionOut):
    """A version with its tiers."""

    tiers = TierOut(many=True, read_only=True)

    class Meta(VersionOut.Meta):
        model = EscalationPolicyVersion
        fields = read_only_fields = (*VERSION_FIELDS, "rounds", "tiers")


class EscalationPolicyIn(DraftIn):
    """A draft."""

    rounds = serializers.IntegerField(min_value=1, max_value=9, required=False)
    tiers = TierIn(many=True, required=False)


class SimulateIn(Input):
    """The incident to imagine, and when it begins."""

    service = Ref(Service)
    severity = serializers.ChoiceField(choices=Severity.choices, default=Severity.SEV1)
    at = serializers.DateTimeField(required=False)


class SimulatedLineOut(serializers.Serializer[Any]):
    """Who would be paged, when, by what."""

    at = serializers.DateTimeField()
    tier = serializers.IntegerField()
    round = serializers.IntegerField()
    person = serializers.CharField(source="person.username", allow_null=True, default=None)
    channels = serializers.ListField(child=serializers.CharField())


class SimulationOut(serializers.Serializer[Any]):
    """All lines of a simulation; nothing was sent."""

    lines = SimulatedLineOut(many=True)


class EscalationPolicyViewSet(PolicyVersionViewSet[EscalationPolicyVersion]):
    """Versions of escalation policies: draft, submit, approve, activate."""

    model = EscalationPolicyVersion
    out = EscalationPolicyOut
    inputs = version_inputs(EscalationPolicyIn)
    action_permissions = {**PolicyVersionViewSet.action_permissions, "simulate": VIEW}

    @verb(SimulateIn, answer=SimulationOut)
    def simulate(self, row: EscalationPolicyVersion, data: dict[str, Any], actor: User) -> Any:
        """Who would be paged at which minute, sending nothing."""
        service = data["service"]
        at: datetime.datetime = data.get("at") or clock.now()
        situation = operations.Situation.at(service, data["severity"])
        return {"lines": operations.simulate(row, situation, at)}


class PolicyUseOut(serializers.ModelSerializer[PolicyUse]):
    """Where a policy is used."""

    version = serializers.IntegerField(source="revision", read_only=True)
    policy = serializers.SlugRelatedField[Policy](slug_field="key", read_only=True)
    service = serializers.SlugRelatedField[Service](slug_field="key", read_only=True)
    team = serializers.SlugRelatedField[Team](slug_field="key", read_only=True)

    class Meta:
        model = PolicyUse
        fields = read_only_fields = ("id", "policy", "service", "team", "version")


class PolicyUseIn(Input):
    """A service or a team, and the key of the policy by which it escalates from now on."""

    policy = serializers.SlugField(max_length=100)
    service = Ref(Service, required=False)
    team = Ref(Team, required=False)


class PolicyUseFilters(django_filters.FilterSet):
    """Filters of the list."""

    policy = django_filters.CharFilter(field_name="policy__key")
    service = django_filters.CharFilter(field_name="service__key")
    team = django_filters.CharFilter(field_name="team__key")

    class Meta:
        model = PolicyUse
        fields: list[str] = []


class PolicyUseViewSet(Creates, Histories, Resource[PolicyUse]):
    """By which policy services and teams escalate; POST again to choose another one."""

    model = PolicyUse
    out = PolicyUseOut
    inputs = {"create": PolicyUseIn}
    filterset_class = PolicyUseFilters
    action_permissions = {"list": VIEW, "retrieve": VIEW, "history": VIEW, "create": OPEN}

    def shown(self, rows: Any) -> Any:
        """With all that it names."""
        return rows.select_related("policy", "service", "team")

    def perform_create(self, data: dict[str, Any], actor: User) -> PolicyUse:
        """The right is asked of the service or team."""
        service, team = data.get("service"), data.get("team")
        container = service or team
        if container is None or (service and team):
            raise Invalid("Name a service or a team.", field="service")
        require(actor, "choose_policy", container)
        seen = Policy.objects.visible_to(actor).filter(kind=operations.KIND)
        policy = seen.filter(key=data["policy"]).order_by("unit_id").first()
        if policy is None:
            raise Invalid(f"There is no escalation policy '{data['policy']}'.", field="policy")
        return operations.use_policy(policy, service=service, team=team, actor=actor)
