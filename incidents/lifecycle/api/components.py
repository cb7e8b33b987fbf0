"""Partial restoration over HTTP: components' states, and incidents that were split off."""

from typing import Any

from rest_framework import serializers

from config.apikit.serializers import Input, Ref
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.models import AffectedComponent, Incident, IncidentLink
from incidents.lifecycle.models.components import STATED


class ComponentOut(serializers.ModelSerializer[AffectedComponent]):
    """A component, and how it fares in the incident."""

    service = serializers.SlugRelatedField[Service](
        slug_field="key", read_only=True, allow_null=True
    )

    class Meta:
        model = AffectedComponent
        fields = read_only_fields = ("id", "name", "service", "state", "since")


class ComponentIn(Input):
    """How a component fares; one that isn't known yet is added."""

    name = serializers.CharField(max_length=120)
    state = serializers.ChoiceField(choices=[(each.value, str(each.label)) for each in STATED])
    service = Ref(
        Service, "key", required=False, help_text="By default the incident's own service."
    )
    at = serializers.DateTimeField(required=False, allow_null=True)
    note = serializers.CharField(required=False, allow_blank=True, max_length=10_000, default="")


class SplitOffIn(Input):
    """Where the rest goes on, and who answers for it."""

    owner = Ref(User, "username")
    reason = serializers.CharField(max_length=2000)
    title = serializers.CharField(required=False, allow_blank=True, max_length=200, default="")
    components = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        min_length=1,
        max_length=200,
        help_text="By default all that are down or degraded.",
    )


class LinkOut(serializers.ModelSerializer[IncidentLink]):
    """An incident that hangs together with this one; null where it is not for the caller."""

    incident = serializers.SlugRelatedField[Incident](slug_field="reference", read_only=True)
    other = serializers.SerializerMethodField()
    owner = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    linked_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)

    class Meta:
        model = IncidentLink
        fields = read_only_fields = (
            *("id", "kind", "incident", "other", "owner", "reason", "linked_by", "at"),
        )

    def get_other(self, link: IncidentLink) -> str | None:
        """By reference, where the caller sees it."""
        reader = self.context["request"].user
        rows = Incident.objects.visible_to(reader).filter(pk=link.other_id)
        reference: str | None = rows.values_list("reference", flat=True).first()
        return reference
