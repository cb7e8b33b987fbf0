"""`/api/v1/cmdb-proposals/`: what incidents taught about the catalogue."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers

from config.access.visibility import require
from config.apikit.serializers import Input, Ref
from config.apikit.views import OPEN, VIEW, Creates, Histories, Resource, verb
from config.errors import Invalid
from config.organisation.models import Team, User
from incidents.catalog.models import Service
from incidents.cmdb import operations
from incidents.cmdb.models import UpdateProposal
from incidents.cmdb.rules import ProposalState, UpdateKind
from incidents.components.models import Component, Item
from incidents.components.rules import Strength
from incidents.lifecycle.models import Incident


class ProposalOut(serializers.ModelSerializer[UpdateProposal]):
    """One proposal; `team` decides it."""

    incident = serializers.SlugRelatedField[Incident](slug_field="reference", read_only=True)
    item = serializers.CharField(source="item.key", read_only=True)
    team = serializers.SlugRelatedField[Team](slug_field="key", read_only=True)
    target = serializers.CharField(
        source="target.key", read_only=True, allow_null=True, default=None
    )
    new_team = serializers.SlugRelatedField[Team](slug_field="key", read_only=True, allow_null=True)
    proposed_by = serializers.SlugRelatedField[User](slug_field="username", read_only=True)
    decided_by = serializers.SlugRelatedField[User](
        slug_field="username", read_only=True, allow_null=True
    )
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = UpdateProposal
        fields = read_only_fields = (
            *("id", "incident", "kind", "item", "team", "target", "strength", "new_team"),
            *("note", "state", "proposed_by", "proposed_at", "decided_by", "decided_at"),
            *("decision_note", "version"),
        )


class ProposalIn(Input):
    """What an incident showed. Of services and components name one each."""

    incident = Ref(Incident, "reference")
    kind = serializers.ChoiceField(choices=UpdateKind.choices)
    item_service = Ref(Service, "key", required=False, allow_null=True)
    item_component = Ref(Component, "key", required=False, allow_null=True)
    target_service = Ref(Service, "key", required=False, allow_null=True)
    target_component = Ref(Component, "key", required=False, allow_null=True)
    strength = serializers.ChoiceField(choices=Strength.choices, required=False, allow_blank=True)
    new_team = Ref(Team, "key", required=False, allow_null=True)
    note = serializers.CharField(max_length=5000)


class AcceptIn(Input):
    """What the owner says to it."""

    note = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class RejectIn(Input):
    """Why the catalogue stays as it is."""

    note = serializers.CharField(max_length=2000)


class ProposalFilters(django_filters.FilterSet):
    """By incident, deciding team, kind and state."""

    incident = django_filters.CharFilter(field_name="incident__reference")
    team = django_filters.CharFilter(field_name="team__key")
    kind = django_filters.MultipleChoiceFilter(choices=UpdateKind.choices)
    state = django_filters.MultipleChoiceFilter(choices=ProposalState.choices)

    class Meta:
        model = UpdateProposal
        fields: list[str] = []


class ProposalViewSet(Creates, Histories, Resource[UpdateProposal]):
    """Proposals, by number."""

    model = UpdateProposal
    out = ProposalOut
    lookup_value_regex = "[0-9]+"
    inputs = {"create": ProposalIn}
    filterset_class = ProposalFilters
    action_permissions = {
        **dict.fromkeys(("list", "retrieve", "history"), VIEW),
        "create": OPEN,
        "accept": "accept",
        "reject": "reject",
    }

    def shown(self, rows: QuerySet[UpdateProposal]) -> QuerySet[UpdateProposal]:
        """With all that the answer names."""
        return rows.select_related(
            *("incident", "team", "new_team", "proposed_by", "decided_by"),
            *("item_service", "item_component", "target_service", "target_component"),
        )

    def perform_create(self, data: dict[str, Any], actor: User) -> UpdateProposal:
        """By whoever works on the incident."""
        incident = data.pop("incident")
        require(actor, "propose_update", incident)
        item, target = _end(data, "item"), _end(data, "target")
        if item is None:
            raise Invalid("Name a service or a component.", field="item_service")
        return operations.propose_update(incident, actor=actor, item=item, target=target, **data)

    @verb(AcceptIn)
    def accept(self, row: UpdateProposal, data: dict[str, Any], actor: User) -> None:
        """The owner of the item lets it be done; never who proposed it."""
        operations.accept(row, actor=actor, **data)

    @verb(RejectIn)
    def reject(self, row: UpdateProposal, data: dict[str, Any], actor: User) -> None:
        """The catalogue stays as it is."""
        operations.reject(row, actor=actor, **data)


def _end(data: dict[str, Any], name: str) -> Item | None:
    found: list[Item] = [
        each
        for kind in ("service", "component")
        if (each := data.pop(f"{name}_{kind}", None)) is not None
    ]
    if len(found) > 1:
        raise Invalid("Name a service or a component, not both.", field=f"{name}_service")
    return found[0] if found else None
