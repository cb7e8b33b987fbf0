"""`/api/v1/approval-matrices/`."""

from rest_framework import serializers

from config.apikit.serializers import Input
from config.approvals.models import ApprovalDemand, ApprovalMatrixVersion, known_kinds
from config.approvals.rules import MATRIX_KEY, MATRIX_TITLE, MOST_PEOPLE, ROLE_CHOICES
from config.governance.api import (
    VERSION_FIELDS,
    DraftIn,
    PolicyVersionViewSet,
    VersionOut,
    version_inputs,
)


class ApprovalDemandOut(serializers.ModelSerializer[ApprovalDemand]):
    """What one kind of policy needs to be approved."""

    class Meta:
        model = ApprovalDemand
        fields = read_only_fields = ("line", "kind", "people", "roles")


class ApprovalDemandIn(Input):
    """What one kind needs; without a kind, every kind that no row names.

    A `line` that is known keeps its identity across versions.
    """

    line = serializers.SlugField(max_length=40, required=False)
    kind = serializers.CharField(max_length=60, required=False, allow_blank=True)
    people = serializers.IntegerField(min_value=1, max_value=MOST_PEOPLE, required=False)
    roles = serializers.ListField(
        child=serializers.ChoiceField(choices=ROLE_CHOICES),
        required=False,
        max_length=len(ROLE_CHOICES),
    )

    def validate_kind(self, kind: str) -> str:
        """Only kinds that the product knows."""
        if kind and kind not in known_kinds():
            known = ", ".join(sorted(known_kinds()))
            raise serializers.ValidationError(f"There is no such kind. Choose one of {known}.")
        return kind


class ApprovalMatrixOut(VersionOut):
    """A version of the matrix."""

    demands = ApprovalDemandOut(many=True, read_only=True)

    class Meta(VersionOut.Meta):
        model = ApprovalMatrixVersion
        fields = (*VERSION_FIELDS, "demands")
        read_only_fields = fields


class ApprovalMatrixIn(DraftIn):
    """A draft of the one matrix; it begins with what is in force."""

    key = serializers.ChoiceField(choices=[MATRIX_KEY], default=MATRIX_KEY)  # type: ignore[assignment]  # one key
    title = serializers.CharField(max_length=200, default=MATRIX_TITLE)
    demands = serializers.ListField(child=ApprovalDemandIn(), required=False, max_length=100)


class ApprovalMatrixViewSet(PolicyVersionViewSet[ApprovalMatrixVersion]):
    """How many people, and who among them, must approve which kind of policy."""

    model = ApprovalMatrixVersion
    out = ApprovalMatrixOut
    inputs = version_inputs(ApprovalMatrixIn)
