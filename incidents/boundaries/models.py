"""Versions of the ownership boundaries."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from config.audit.tracking import Tracked
from config.governance.models import PolicyVersion
from config.organisation.rules import Domain
from incidents.boundaries.rules import ComponentKind, Layer


class BoundaryVersion(PolicyVersion):
    """A version of the boundaries: of the enterprise, or of a unit."""

    policy_kind: ClassVar[str] = "boundary"
    parts: ClassVar[tuple[str, ...]] = ("rules",)

    class Meta:
        default_permissions = ()


class BoundaryRule(Tracked):
    """Which domain answers for a layer of a kind; `line` is its identity across versions."""

    version = models.ForeignKey(BoundaryVersion, models.CASCADE, related_name="rules")
    line = models.CharField(max_length=40)
    kind = models.CharField("kind of component", max_length=20, choices=ComponentKind.choices)
    layer = models.CharField(max_length=20, choices=Layer.choices)
    domain = models.CharField("who answers", max_length=20, choices=Domain.choices)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["version", "kind", "layer"],
                name="boundary_one_domain",
                violation_error_code="boundary_one_domain",
                violation_error_message="One domain answers for a layer of a kind, and only one.",
            ),
            models.CheckConstraint(
                condition=Q(
                    kind__in=ComponentKind.values,
                    layer__in=Layer.values,
                    domain__in=Domain.values,
                ),
                name="boundary_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {Layer(self.layer).label.lower()}"
