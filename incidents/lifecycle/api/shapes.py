"""What goes in and comes out of the incidents' API; the names are the contract."""

from typing import Any, ClassVar

from drf_spectacular.utils import (
    OpenApiExample,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import serializers

from config.apikit.serializers import Input, Ref
from config.organisation.models import Team
from incidents.catalog.models import Service
from incidents.components.models import Component
from incidents.lifecycle.api.severity import BasisOut, ImpactIn, ImpactOut, ProvisionalOut
from incidents.lifecycle.models import Incident, KeyTime, KeyTimeClaim
from incidents.lifecycle.operations.assessing import basis_of
from incidents.lifecycle.operations.provisional import open_provisional
from incidents.lifecycle.operations.reassessing import open_request
from incidents.taxonomy.models import Level
from incidents.terms.api import TermField
from incidents.terms.rules import Kind
from incidents.timeline.models import Reliability


class TimesOut(serializers.Serializer[Incident]):
    """The effective key times."""

    started = serializers.DateTimeField(source="started_at", allow_null=True, read_only=True)
    detected = serializers.DateTimeField(source="detected_at", allow_null=True, read_only=True)
    reported = serializers.DateTimeField(source="reported_at", allow_null=True, read_only=True)
    acknowledged = serializers.DateTimeField(
        source="acknowledged_at", allow_null=True, read_only=True
    )
    mitigated = serializers.DateTimeField(source="mitigated_at", allow_null=True, read_only=True)
    restored = serializers.DateTimeField(source="restored_at", allow_null=True, read_only=True)
    resolved = serializers.DateTimeField(source="resolved_at", allow_null=True, read_only=True)
    closed = serializers.DateTimeField(source="closed_at", allow_null=True, read_only=True)


class BlockerOut(serializers.Serializer[Any]):
    """What stands in the way, and where it is put right."""

    code = serializers.CharField(read_only=True)
    text = serializers.CharField(read_only=True)
    link = serializers.CharField(read_only=True)


class IncidentOut(serializers.ModelSerializer[Incident]):
    """One incident. `allowed`: the verbs open to the caller; `blockers`: of one incident alone."""

    service = serializers.SlugRelatedField[Service](
        slug_field="key", read_only=True, allow_null=True
    )
    team = serializers.SlugRelatedField[Team](slug_field="key", read_only=True)
    unit = serializers.SlugRelatedField[Any](slug_field="key", read_only=True)
    component = serializers.SlugRelatedField[Any](slug_field="key", read_only=True, allow_null=True)
    type = serializers.SlugRelatedField[Any](slug_field="key", read_only=True, allow_null=True)
    category = serializers.SlugRelatedField[Any](slug_field="key", read_only=True, allow_null=True)
    closure_code = serializers.SlugRelatedField[Any](
        slug_field="key", read_only=True, allow_null=True
    )
    cause_code = serializers.SlugRelatedField[Any](
        slug_field="key", read_only=True, allow_null=True
    )
    tags = serializers.ListField(child=serializers.CharField(), read_only=True)
    restricted = serializers.BooleanField(source="is_restricted", read_only=True)
    times = TimesOut(source="*", read_only=True)
    acknowledged_by = serializers.SlugRelatedField[Any](
        slug_field="username", read_only=True, allow_null=True
    )
    version = serializers.IntegerField(source="revision", read_only=True)
    impact = ImpactOut(source="*", read_only=True)
    severity_basis = serializers.SerializerMethodField()
    provisional = serializers.SerializerMethodField()
    allowed = serializers.SerializerMethodField()
    blockers = serializers.SerializerMethodField()

    reads: ClassVar = {
        "allowed": (
            *("state", "service", "team", "unit", "acknowledged_by", "resolved_at"),
            "opened_at",
        ),
        **dict.fromkeys(("blockers", "severity_basis", "provisional"), ()),  # none in lists
    }

    class Meta:
        model = Incident
        fields = read_only_fields = (
            *("reference", "title", "description", "state", "severity", "service", "team"),
            *("component", "type", "category", "closure_code", "cause_code", "tags"),
            *("unit", "level", "restricted", "times", "acknowledged_by", "version"),
            *("impact", "severity_basis", "provisional", "allowed", "blockers"),
        )

    @extend_schema_field(BasisOut(allow_null=True))
    def get_severity_basis(self, incident: Incident) -> dict[str, Any] | None:
        """Why it has this severity; null in lists."""
        if self.context["view"].action == "list":
            return None
        pending = open_request(incident)
        basis = {**vars(basis_of(incident)), "undecided_change": pending and pending.pk}
        return dict(BasisOut(basis).data)

    @extend_schema_field(ProvisionalOut(allow_null=True))
    def get_provisional(self, incident: Incident) -> dict[str, Any] | None:
        """The provisional SEV1 that waits for a decision, and null in lists."""
        if self.context["view"].action == "list":
            return None
        found = open_provisional(incident)
        return dict(ProvisionalOut(found).data) if found is not None else None

    def get_allowed(self, incident: Incident) -> list[str]:
        """The verbs that state and rights allow to the caller."""
        verbs: list[str] = self.context["view"].reader.verbs(incident)
        return verbs

    @extend_schema_field(BlockerOut(many=True))
    def get_blockers(self, incident: Incident) -> list[dict[str, str]]:
        """What guards say of the verbs that the state allows; empty in lists."""
        if self.context["view"].action == "list":
            return []
        return [each.as_dict() for each in self.context["view"].reader.blockers(incident)]


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A report",
            {
                "title": "Checkout answers 502",
                "service": "checkout",
                "level": "critical",
                "users_affected": 12000,
                "exposure": "customer",
                "detected_at": "2026-11-21T08:00:00Z",
            },
        )
    ]
)
class IncidentIn(ImpactIn):
    """What a new incident needs; without a service it waits in the triage queue."""

    title = serializers.CharField(max_length=200)
    service = Ref(Service, "key", required=False, allow_null=True, default=None)
    level = serializers.ChoiceField(choices=Level.choices)
    description = serializers.CharField(required=False, allow_blank=True, max_length=50_000)
    team = Ref(Team, "key", required=False)
    component = Ref(Component, "key", required=False, allow_null=True)
    type = TermField(Kind.TYPE, required=False, allow_null=True)
    category = TermField(Kind.CATEGORY, required=False, allow_null=True)
    cause_code = TermField(Kind.CAUSE_CODE, required=False, allow_null=True)
    tags = serializers.ListField(
        child=serializers.SlugField(max_length=60), required=False, max_length=20
    )
    restricted = serializers.BooleanField(source="is_restricted", required=False)
    started_at = serializers.DateTimeField(required=False, allow_null=True)
    detected_at = serializers.DateTimeField(required=False, allow_null=True)
    reported_at = serializers.DateTimeField(required=False, allow_null=True)


class IncidentEditIn(Input):
    """What can be edited; the severity follows. `revise-impact` states the impact anew."""

    title = serializers.CharField(max_length=200)
    description = serializers.CharField(allow_blank=True, max_length=50_000)
    service = Ref(Service, "key", allow_null=True)
    level = serializers.ChoiceField(choices=Level.choices)
    team = Ref(Team, "key")
    component = Ref(Component, "key", allow_null=True)
    type = TermField(Kind.TYPE, allow_null=True)
    category = TermField(Kind.CATEGORY, allow_null=True)
    closure_code = TermField(Kind.CLOSURE_CODE, allow_null=True)
    cause_code = TermField(Kind.CAUSE_CODE, allow_null=True)
    tags = serializers.ListField(child=serializers.SlugField(max_length=60), max_length=20)
    restricted = serializers.BooleanField(source="is_restricted")
    reason = serializers.CharField(
        allow_blank=True, max_length=2000, help_text="Needed where the severity gets lower."
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Earlier",
            {"note": "Rolled the last change back.", "at": "2026-11-21T08:12:00Z"},
        )
    ]
)
class VerbIn(Input):
    """The arguments of a verb: `at` where it happened earlier, `reason` where one is needed."""

    note = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    at = serializers.DateTimeField(required=False, allow_null=True)
    reason = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=2000,
        default="",
        help_text="Needed to cancel and to reopen.",
    )


class ClaimOut(serializers.ModelSerializer[KeyTimeClaim]):
    """One statement of when it was."""

    claimed_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    effective = serializers.BooleanField(source="is_effective", read_only=True)

    class Meta:
        model = KeyTimeClaim
        fields = read_only_fields = (
            *("id", "which", "at", "source", "reliability", "claimed_by", "claimed_at"),
            *("reason", "effective"),
        )


class ClaimIn(Input):
    """Another statement of when it was."""

    which = serializers.ChoiceField(choices=KeyTime.choices)
    at = serializers.DateTimeField()
    source = serializers.CharField(  # type: ignore[assignment]  # the name is the contract
        required=False, allow_blank=True, max_length=80
    )
    reliability = serializers.ChoiceField(choices=Reliability.choices, default=Reliability.REPORTED)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class ChooseTimeIn(Input):
    """The claim that counts from now on; a reason where another one counted."""

    claim = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=2000, default="")
