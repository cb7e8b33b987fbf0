"""Versions of the scope rule."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from config.audit.tracking import Tracked
from config.conditions.fields import ConditionField
from config.governance.models import PolicyVersion
from incidents.scoping.rules import SUBJECT


class ScopeRuleVersion(PolicyVersion):
    """A version of the scope rule: the first row that matches decides; none: out of scope."""

    policy_kind: ClassVar[str] = "scope_rule"
    parts: ClassVar[tuple[str, ...]] = ("rules",)

    class Meta:
        default_permissions = ()


class ScopeRule(Tracked):
    """One row; `line` is its identity across versions."""

    version = models.ForeignKey(ScopeRuleVersion, models.CASCADE, related_name="rules")
    line = models.CharField(max_length=40)
    position = models.PositiveSmallIntegerField(
        default=10, help_text="Rules are asked in this order; the first that matches decides."
    )
    conditions = ConditionField("when", subject=SUBJECT)
    in_scope = models.BooleanField(default=True)
    sla_reportable = models.BooleanField("SLA-reportable", default=False)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["version", "position"],
                name="scope_rule_position_unique",
                violation_error_code="scope_rule_position_unique",
                violation_error_message="Two rules can't have the same position.",
            ),
            models.CheckConstraint(
                condition=Q(in_scope=True) | Q(sla_reportable=False),
                name="scope_rule_reportable_in_scope",
                violation_error_code="scope_rule_reportable_in_scope",
                violation_error_message="What is reportable under an SLA is in scope too.",
            ),
        ]

    def __str__(self) -> str:
        return f"Rule {self.position}"
