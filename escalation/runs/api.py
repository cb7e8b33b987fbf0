"""Escalations: how far each one went, its record, and escalating by hand."""

from typing import Any

import django_filters
from rest_framework import serializers

from config.apikit.serializers import Input, Ref
from config.apikit.views import VIEW, Creates, Histories, Resource, listing
from config.organisation.models import User
from escalation.runs import operations
from escalation.runs.models import EscalationRecord, EscalationRun, RunState
from incidents.lifecycle.models import Incident


class RecordOut(serializers.ModelSerializer[EscalationRecord]):
    """One entry of the record."""

    person = serializers.SlugRelatedField[User](slug_field="username", read_only=True)
    actor = serializers.SlugRelatedField[User](slug_field="username", read_only=True)

    class Meta:
        model = EscalationRecord
        fields = read_only_fields = (
            "id", "kind", "at", "due_at", "tier", "round", "person", "actor", "reason",
        )  # fmt: skip


class EscalationOut(serializers.ModelSerializer[EscalationRun]):
    """An escalation of an incident."""

    version = serializers.IntegerField(source="revision", read_only=True)
    incident = serializers.CharField(source="incident.reference", read_only=True)
    policy = serializers.CharField(source="policy_version.policy.key", read_only=True)
    policy_version = serializers.IntegerField(source="policy_version.number", read_only=True)

    class Meta:
        model = EscalationRun
        fields = read_only_fields = (
            "id", "incident", "policy", "policy_version", "state", "trigger", "tier", "round",
            "started_at", "next_tier_at", "acknowledged_at", "ended_at", "version",
        )  # fmt: skip


class EscalateIn(Input):
    """Page the next tier of an incident now."""

    incident = Ref(Incident, "reference")
    reason = serializers.CharField()


class EscalationFilters(django_filters.FilterSet):
    """Filters of the list."""

    incident = django_filters.CharFilter(field_name="incident__reference", lookup_expr="iexact")
    state = django_filters.MultipleChoiceFilter(choices=RunState.choices)

    class Meta:
        model = EscalationRun
        fields: list[str] = []


class EscalationViewSet(Creates, Histories, Resource[EscalationRun]):
    """Escalations of incidents that one can see. POST escalates by hand, with a reason."""

    model = EscalationRun
    out = EscalationOut
    inputs = {"create": EscalateIn}
    filterset_class = EscalationFilters
    create_in = "incident"
    action_permissions = {
        "list": VIEW, "retrieve": VIEW, "history": VIEW, "records": VIEW, "create": "escalate",
    }  # fmt: skip

    def shown(self, rows: Any) -> Any:
        """With incident and policy."""
        return rows.select_related("incident", "policy_version__policy")

    def perform_create(self, data: dict[str, Any], actor: User) -> EscalationRun:
        """Ask for the next tier."""
        return operations.escalate(data["incident"], actor=actor, reason=data["reason"])

    @listing(RecordOut)
    def records(self, row: EscalationRun) -> Any:
        """What the escalation did, newest first."""
        return row.records.select_related("person", "actor")
