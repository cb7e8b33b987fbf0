"""Severity, and the governed matrix that computes it from measured impact."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from config.access.rules import Role
from config.audit.tracking import Tracked
from config.conditions.fields import ConditionField
from config.governance.models import PolicyVersion


class Severity(models.TextChoices):
    """The single scale; SEV1 is the worst. Also shown as P1 to P4."""

    SEV1 = "SEV1", "SEV1"
    SEV2 = "SEV2", "SEV2"
    SEV3 = "SEV3", "SEV3"
    SEV4 = "SEV4", "SEV4"


class Level(models.TextChoices):
    """What a tool or reporter says of the technical effect."""

    CRITICAL = "critical", "Critical"
    ERROR = "error", "Error"
    WARNING = "warning", "Warning"
    INFO = "info", "Info"


class Exposure(models.TextChoices):
    """How far outside the company an incident is felt."""

    NONE = "none", "Nobody notices"
    INTERNAL = "internal", "Employees"
    PARTNER = "partner", "Partners"
    CUSTOMER = "customer", "Customers"
    PUBLIC = "public", "The public"


class DataSensitivity(models.TextChoices):
    """The most sensitive data that an incident touches."""

    NONE = "none", "None"
    INTERNAL = "internal", "Internal"
    CONFIDENTIAL = "confidential", "Confidential"
    PERSONAL = "personal", "Personal"
    SPECIAL = "special", "Special categories of personal data"


class SeverityTableVersion(PolicyVersion):
    """A version of the severity matrix.

    Its rules decide, in their order, by measured impact. Where none matches, the cell of the
    level and the tier does. What each severity sets off are its engagements.
    """

    policy_kind: ClassVar[str] = "severity_table"
    parts: ClassVar[tuple[str, ...]] = ("rules", "cells", "engagements")

    class Meta:
        default_permissions = ()


class SeverityCell(Tracked):
    """One cell of the table; `line` is its identity across versions."""

    table = models.ForeignKey(SeverityTableVersion, models.CASCADE, related_name="cells")
    line = models.CharField(max_length=40)
    level = models.CharField(max_length=10, choices=Level.choices)
    tier = models.PositiveSmallIntegerField()
    severity = models.CharField(max_length=4, choices=Severity.choices)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["table", "level", "tier"],
                name="severity_cell_unique",
                violation_error_code="severity_cell_unique",
                violation_error_message="The table has a row for this level and tier already.",
            ),
            models.CheckConstraint(
                condition=Q(severity__in=Severity.values, level__in=Level.values),
                name="severity_cell_known",
            ),
            models.CheckConstraint(
                condition=Q(tier__gte=1, tier__lte=4), name="severity_cell_tier"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.level} on tier {self.tier}: {self.severity}"


class ImpactRule(Tracked):
    """One row of the matrix: impact that means a severity. `line` is its identity."""

    table = models.ForeignKey(SeverityTableVersion, models.CASCADE, related_name="rules")
    line = models.CharField(max_length=40)
    position = models.PositiveSmallIntegerField(
        help_text="The first rule that matches decides, lowest position first."
    )
    severity = models.CharField(max_length=4, choices=Severity.choices)
    conditions = ConditionField(subject="impact")
    note = models.CharField(max_length=200, blank=True, help_text="Why this row is there.")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["table", "position"],
                name="impact_rule_position_unique",
                violation_error_code="impact_rule_position_unique",
                violation_error_message="Two rules have this position; give each its own.",
            ),
            models.CheckConstraint(
                condition=Q(severity__in=Severity.values), name="impact_rule_severity_known"
            ),
        ]

    def __str__(self) -> str:
        return f"Rule {self.position}: {self.severity}"


class Engagement(Tracked):
    """What a severity sets off: whom it brings, how it is told, and by when it must be over."""

    table = models.ForeignKey(SeverityTableVersion, models.CASCADE, related_name="engagements")
    line = models.CharField(max_length=40)
    severity = models.CharField(max_length=4, choices=Severity.choices)
    roles: "models.Field[Any, Any]" = ArrayField(
        models.CharField(max_length=40, choices=Role.choices),
        default=list,
        blank=True,
        help_text="The roles that are engaged at once.",
    )
    has_war_room = models.BooleanField("war room", default=False)
    communication_plan = models.SlugField(
        max_length=60, blank=True, help_text="The key of the plan by which audiences are told."
    )
    escalation_policy = models.SlugField(
        max_length=100,
        blank=True,
        help_text="The key of the escalation policy; empty: the one of the service or team.",
    )
    sla_target_minutes = models.PositiveIntegerField(
        "SLA target (minutes)", null=True, blank=True, help_text="From detection to restoration."
    )
    penalty_clause = models.CharField(
        max_length=120, blank=True, help_text="Where the contract says what missing it costs."
    )

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["table", "severity"],
                name="engagement_severity_unique",
                violation_error_code="engagement_severity_unique",
                violation_error_message="The matrix has a row for this severity already.",
            ),
            models.CheckConstraint(
                condition=Q(severity__in=Severity.values), name="engagement_severity_known"
            ),
            models.CheckConstraint(
                condition=Q(sla_target_minutes__isnull=True) | Q(sla_target_minutes__gt=0),
                name="engagement_target_positive",
                violation_error_code="engagement_target_positive",
                violation_error_message="A target is at least a minute; leave it empty for none.",
            ),
        ]

    def __str__(self) -> str:
        return f"What {self.severity} sets off"
