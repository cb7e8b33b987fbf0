"""`/api/v1/agreements/`."""

from rest_framework import serializers

from config.agreements.models import AgreementVersion, Definition
from config.apikit.serializers import Input, Ref
from config.governance.api import (
    VERSION_FIELDS,
    DraftIn,
    PolicyVersionViewSet,
    VersionOut,
    version_inputs,
)
from config.governance.models import Policy

FIELDS = ("counterparty", "document", "service", "signed_on", "ends_on")


class DefinitionOut(serializers.ModelSerializer[Definition]):
    """A policy that the agreement rests on."""

    policy = serializers.PrimaryKeyRelatedField[Policy](read_only=True)

    class Meta:
        model = Definition
        fields = read_only_fields = ("line", "policy", "note")


class DefinitionIn(Input):
    """A policy, by its id in `/api/v1/policies/`. A `line` that is known keeps its identity."""

    line = serializers.SlugField(max_length=40, required=False)
    policy = Ref(Policy, "id")
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)


class AgreementOut(VersionOut):
    """A version of an agreement."""

    definitions = DefinitionOut(many=True, read_only=True)

    class Meta(VersionOut.Meta):
        model = AgreementVersion
        fields = (*VERSION_FIELDS, *FIELDS, "definitions")
        read_only_fields = fields


class AgreementIn(DraftIn):
    """A draft of an agreement."""

    counterparty = serializers.CharField(max_length=200, required=False, allow_blank=True)
    document = serializers.CharField(max_length=200, required=False, allow_blank=True)
    service = serializers.CharField(max_length=100, required=False, allow_blank=True)
    signed_on = serializers.DateField(required=False, allow_null=True)
    ends_on = serializers.DateField(required=False, allow_null=True)
    definitions = serializers.ListField(child=DefinitionIn(), required=False, max_length=200)


class AgreementViewSet(PolicyVersionViewSet[AgreementVersion]):
    """Signed agreements: what they name changes only by sign-offs and a change record."""

    model = AgreementVersion
    out = AgreementOut
    inputs = version_inputs(AgreementIn)
