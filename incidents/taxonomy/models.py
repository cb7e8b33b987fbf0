"""Severity, and the governed table that turns an alert's level and a service's tier into it."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from config.audit.tracking import Tracked
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


class SeverityTableVersion(PolicyVersion):
    """A version of the table level x tier -> severity."""

    policy_kind: ClassVar[str] = "severity_table"
    parts: ClassVar[tuple[str, ...]] = ("cells",)

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
