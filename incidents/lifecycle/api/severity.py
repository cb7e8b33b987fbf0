"""What goes in and comes out about the severity: impact, reasons, changes, what was set off."""

from typing import Any

from rest_framework import serializers

from config.apikit.serializers import Input
from incidents.lifecycle.models import (
    Incident,
    IncidentEngagement,
    ProvisionalSeverity,
    SeverityChange,
)
from incidents.lifecycle.operations.severity import REASONS
from incidents.taxonomy.impact import MOST_REVENUE, MOST_USERS
from incidents.taxonomy.models import DataSensitivity, Exposure, Severity

REASON_CHOICES = [(each.value, str(each.label)) for each in REASONS]


class ImpactOut(serializers.Serializer[Incident]):
    """The measured impact; null or empty is not known."""

    users_affected = serializers.IntegerField(allow_null=True, read_only=True)
    revenue_per_hour = serializers.IntegerField(allow_null=True, read_only=True)
    exposure = serializers.CharField(read_only=True)
    data_sensitivity = serializers.CharField(read_only=True)
    is_regulatory = serializers.BooleanField(allow_null=True, read_only=True)
    in_hours = serializers.BooleanField(source="was_in_hours", allow_null=True, read_only=True)


class ImpactIn(Input):
    """The measured impact; leave out what nobody knows."""

    users_affected = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, max_value=MOST_USERS
    )
    revenue_per_hour = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=MOST_REVENUE,
        help_text="In whole units of the company's currency.",
    )
    exposure = serializers.ChoiceField(choices=Exposure.choices, required=False, allow_blank=True)
    data_sensitivity = serializers.ChoiceField(
        choices=DataSensitivity.choices, required=False, allow_blank=True
    )
    is_regulatory = serializers.BooleanField(required=False, allow_null=True)


class ReviseImpactIn(ImpactIn):
    """The impact as it is known now; what is left out stays as it is."""

    justification = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=10_000,
        default="",
        help_text="Needed where the severity gets lower.",
    )
    evidence = serializers.CharField(
        required=False, allow_blank=True, max_length=10_000, default=""
    )


class FindingOut(serializers.Serializer[Any]):
    """What one condition found."""

    text = serializers.CharField(read_only=True)
    actual = serializers.CharField(read_only=True)
    held = serializers.BooleanField(read_only=True)


class BasisOut(serializers.Serializer[Any]):
    """Why the incident has its severity."""

    computed = serializers.CharField(help_text="What the matrix says.", read_only=True)
    text = serializers.CharField(help_text="In a sentence.", read_only=True)
    version = serializers.IntegerField(allow_null=True, read_only=True)
    line = serializers.CharField(help_text="The line that decided.", read_only=True)
    rule = serializers.CharField(help_text="Its conditions, if it has any.", read_only=True)
    findings = FindingOut(many=True, read_only=True)
    undecided_change = serializers.IntegerField(
        allow_null=True, help_text="The request that waits for a second person.", read_only=True
    )


class ProvisionalOut(serializers.ModelSerializer[ProvisionalSeverity]):
    """A SEV1 for the time being."""

    declared_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    extended = serializers.SerializerMethodField()
    overdue = serializers.BooleanField(source="is_overdue", read_only=True)

    class Meta:
        model = ProvisionalSeverity
        fields = read_only_fields = (
            *("declared_by", "declared_at", "until", "justification", "extended", "overdue"),
        )

    def get_extended(self, row: ProvisionalSeverity) -> bool:
        """Whether its one extension is used."""
        return row.extended_at is not None


class SeverityChangeOut(serializers.ModelSerializer[SeverityChange]):
    """One change of the severity, or a request for one, with how it was decided."""

    from_severity = serializers.CharField(read_only=True)
    requested_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    verdict = serializers.CharField(
        source="decision.verdict", allow_null=True, default=None, read_only=True
    )
    decided_by = serializers.CharField(
        source="decision.decided_by.username", allow_null=True, default=None, read_only=True
    )
    decided_at = serializers.DateTimeField(
        source="decision.decided_at", allow_null=True, default=None, read_only=True
    )
    note = serializers.CharField(
        source="decision.note", allow_null=True, default=None, read_only=True
    )

    class Meta:
        model = SeverityChange
        fields = read_only_fields = (
            *("id", "from_severity", "to_severity", "reason_code", "justification", "evidence"),
            *("needs_decision", "was_provisional", "requested_by", "requested_at"),
            *("verdict", "decided_by", "decided_at", "note"),
        )


class EngagementRowOut(serializers.ModelSerializer[IncidentEngagement]):
    """What a severity set off on the incident."""

    roles = serializers.ListField(child=serializers.CharField(), read_only=True)
    version = serializers.IntegerField(
        source="version.number", allow_null=True, default=None, read_only=True
    )

    class Meta:
        model = IncidentEngagement
        fields = read_only_fields = (
            *("severity", "version", "roles", "has_war_room", "communication_plan"),
            *("escalation_policy", "sla_target_minutes", "penalty_clause", "at"),
        )


class ChangeSeverityIn(Input):
    """Another severity than the matrix says."""

    to = serializers.ChoiceField(choices=Severity.choices)
    reason_code = serializers.ChoiceField(choices=REASON_CHOICES)
    justification = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=10_000,
        default="",
        help_text="Needed for a lower severity.",
    )
    evidence = serializers.CharField(
        required=False, allow_blank=True, max_length=10_000, default=""
    )


class DecideSeverityIn(Input):
    """The answer of a second person to the request of that number."""

    change = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    approve = serializers.BooleanField()
    note = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=10_000,
        default="",
        help_text="Needed for a no.",
    )


class JustifiedIn(Input):
    """A word why."""

    justification = serializers.CharField(max_length=10_000)


class MaybeJustifiedIn(Input):
    """A word why, where there is one."""

    justification = serializers.CharField(
        required=False, allow_blank=True, max_length=10_000, default=""
    )


class LowerProvisionalIn(JustifiedIn):
    """What it was instead of a SEV1."""

    to = serializers.ChoiceField(choices=[each for each in Severity.choices if each[0] != "SEV1"])
    evidence = serializers.CharField(
        required=False, allow_blank=True, max_length=10_000, default=""
    )


class WithdrawIn(Input):
    """Why, where that matters."""

    reason = serializers.CharField(required=False, allow_blank=True, max_length=2000, default="")
