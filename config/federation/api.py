"""`/api/v1/operating-models/`, `/api/v1/policy-freedoms/` and `/api/v1/divergence/`."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.apikit.pagination import ParameterInvalid
from config.apikit.serializers import Input, Ref
from config.federation.models import FreedomVersion, OperatingModelVersion
from config.federation.operations import Divergence, Ownership, divergences, propose_freedom
from config.federation.rules import MODEL_KEY, MODEL_TITLE, Duty, OperatingModel
from config.governance.api import (
    VERSION_FIELDS,
    DraftIn,
    PolicyVersionViewSet,
    VersionOut,
    version_inputs,
)
from config.governance.models import Freedom, Policy
from config.organisation.models import BusinessUnit, User


class OperatingModelOut(VersionOut):
    """A version of a unit's operating model."""

    regional_lead = serializers.SlugRelatedField[Any](
        slug_field="username", read_only=True, allow_null=True
    )

    class Meta(VersionOut.Meta):
        model = OperatingModelVersion
        fields = (*VERSION_FIELDS, "model", "regional_lead", "regulatory_duties")
        read_only_fields = fields


class OperatingModelIn(DraftIn):
    """A draft of a unit's model; without a unit, of the enterprise's."""

    key = serializers.ChoiceField(choices=[MODEL_KEY], default=MODEL_KEY)  # type: ignore[assignment]  # one key
    title = serializers.CharField(max_length=200, default=MODEL_TITLE)
    model = serializers.ChoiceField(choices=OperatingModel.choices, required=False)
    regional_lead = Ref(User, "username", required=False, allow_null=True)
    regulatory_duties = serializers.CharField(max_length=5000, required=False, allow_blank=True)


class OperatingModelViewSet(PolicyVersionViewSet[OperatingModelVersion]):
    """Operating models of units, each from a date."""

    model = OperatingModelVersion
    out = OperatingModelOut
    inputs = version_inputs(OperatingModelIn)

    def shown(self, rows: Any) -> Any:
        """With the lead."""
        return super().shown(rows).select_related("regional_lead", "policy__unit", "author")


class FreedomOut(VersionOut):
    """A version of what units may do with a policy."""

    about = serializers.PrimaryKeyRelatedField[Policy](read_only=True)

    class Meta(VersionOut.Meta):
        model = FreedomVersion
        fields = (*VERSION_FIELDS, "about", "freedom")
        read_only_fields = fields


class FreedomIn(Input):
    """Which policy of the enterprise, by its id, and what units may do with it."""

    about = Ref(Policy, "id")
    freedom = serializers.ChoiceField(choices=Freedom.choices)
    change_reason = serializers.CharField(max_length=5000, required=False, allow_blank=True)


class FreedomEditIn(Input):
    """Something else, another reason."""

    freedom = serializers.ChoiceField(choices=Freedom.choices, required=False)
    change_reason = serializers.CharField(max_length=5000, required=False, allow_blank=True)


class FreedomViewSet(PolicyVersionViewSet[FreedomVersion]):
    """What units may do with each enterprise policy: one proposes, another approves."""

    model = FreedomVersion
    out = FreedomOut
    inputs = {"create": FreedomIn, "partial_update": FreedomEditIn}

    def container_for(self, data: Mapping[str, Any]) -> Policy:
        """The policy that it is about."""
        policy: Policy = data["about"]
        return policy

    def perform_create(self, data: dict[str, Any], actor: User) -> FreedomVersion:
        """A draft."""
        return propose_freedom(
            data["about"],
            freedom=data["freedom"],
            actor=actor,
            reason=data.get("change_reason", ""),
        )


class OwnerOut(serializers.Serializer[Any]):
    """Who owns one duty."""

    duty = serializers.ChoiceField(choices=Duty.choices, read_only=True)
    unit = serializers.CharField(read_only=True, help_text="Key of the unit, or the enterprise.")


class OwnershipOut(serializers.Serializer[Any]):
    """Who owns which duty, by the operating model that held when the record was opened."""

    model = serializers.ChoiceField(choices=OperatingModel.choices, read_only=True)
    version = serializers.IntegerField(
        source="version.pk", read_only=True, allow_null=True, default=None,
        help_text="The version of the operating model; null: none is declared.",
    )  # fmt: skip
    owners = serializers.SerializerMethodField()

    @extend_schema_field(OwnerOut(many=True))
    def get_owners(self, found: Ownership) -> list[dict[str, str]]:
        """One for each duty."""
        return [{"duty": duty.value, "unit": unit.key} for duty, unit in found.owners.items()]


class DivergenceOut(serializers.Serializer[Any]):
    """A unit's own version beside the enterprise's."""

    unit = serializers.CharField(source="unit.key", read_only=True)
    kind = serializers.CharField(source="policy.kind", read_only=True)
    key = serializers.CharField(source="policy.key", read_only=True)
    title = serializers.CharField(source="policy.title", read_only=True)
    freedom = serializers.CharField(
        read_only=True, help_text="What units may do with it; empty: the enterprise has none."
    )
    version = serializers.IntegerField(source="own.number", read_only=True)
    differs = serializers.SerializerMethodField(help_text="In words.")
    beyond = serializers.ListField(
        child=serializers.CharField(), read_only=True,
        help_text="What the unit changed although it may not, or not any more.",
    )  # fmt: skip

    def get_differs(self, found: Divergence) -> list[str]:
        """A sentence for each field that differs."""
        return [
            f"{block.title + ', ' if block.title else ''}{line.field}: {line.old} -> {line.new}"
            for block in found.blocks
            for line in block.lines
        ]


class ReportOut(serializers.Serializer[Any]):
    """The divergence report."""

    results = DivergenceOut(many=True, read_only=True)


class DivergenceView(APIView):
    """What holds in units otherwise than in the enterprise."""

    permission_classes = [IsAuthenticated]
    http_method_names = ["get", "head"]

    @extend_schema(
        parameters=[OpenApiParameter("unit", str, description="Key of a unit.")],
        responses=ReportOut,
        operation_id="divergence_list",
        tags=["divergence"],
    )
    def get(self, request: Request) -> Response:
        """Every policy that a unit has of its own, as far as the caller may see."""
        reader: Any = request.user
        key, unit = request.query_params.get("unit"), None
        if key is not None:
            units: Any = BusinessUnit.objects
            unit = units.visible_to(reader).filter(key=key).first()
            if unit is None:
                raise ParameterInvalid("unit", f"There is no unit '{key}' that you may see.")
        return Response(ReportOut({"results": list(divergences(reader, unit))}).data)
