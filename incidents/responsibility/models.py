"""Versions of the RACI matrix, and which team holds which function of the tools."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from config.access.rules import Role
from config.access.visibility import register_verbs
from config.audit.tracking import Tracked, TrackedQuerySet
from config.governance.models import PolicyVersion
from config.governance.reaching import reaches
from config.organisation.models import BusinessUnit, Team, User
from incidents.responsibility.rules import (
    FUNCTION_NEEDS,
    UNIT_NEEDS,
    Activity,
    Function,
    Letter,
    Party,
)


class RaciVersion(PolicyVersion):
    """A version of the matrix: of the enterprise, or of a unit."""

    policy_kind: ClassVar[str] = "raci"
    parts: ClassVar[tuple[str, ...]] = ("assignments",)

    class Meta:
        default_permissions = ()


class RaciAssignment(Tracked):
    """One letter of one party for one activity; `line` is its identity across versions."""

    version = models.ForeignKey(RaciVersion, models.CASCADE, related_name="assignments")
    line = models.CharField(max_length=40)
    activity = models.CharField(max_length=20, choices=Activity.choices)
    letter = models.CharField(max_length=1, choices=Letter.choices)
    party = models.CharField(max_length=20, choices=Party.choices)
    role = models.CharField(max_length=40, choices=Role.choices, blank=True)
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["version", "activity"],
                condition=Q(letter="A"),
                name="raci_one_accountable",
                violation_error_code="raci_one_accountable",
                violation_error_message="An activity has one Accountable, and only one.",
            ),
            models.CheckConstraint(
                condition=Q(
                    activity__in=Activity.values, letter__in=Letter.values, party__in=Party.values
                ),
                name="raci_known",
            ),
            models.CheckConstraint(
                condition=Q(party=Party.SERVICE_TEAM, role="", team__isnull=True)
                | Q(party=Party.ROLE, team__isnull=True) & ~Q(role="")
                | Q(party=Party.TEAM, role="", team__isnull=False),
                name="raci_party_named",
                violation_error_code="raci_party_named",
                violation_error_message="Name the role or the team, as the party says.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_activity_display()}: {self.letter}"


class ToolFunctionQuerySet(TrackedQuerySet["ToolFunction"]):
    """Who holds what, by what one may see."""

    def visible_to(self, user: User) -> Self:
        """The enterprise's, and those of units in which the user sees anything."""
        return self.filter(reaches(user, unit="unit"))


class ToolFunction(Tracked):
    """The team that holds a function of the tools, for a unit or the whole enterprise."""

    function = models.CharField(max_length=20, choices=Function.choices)
    unit = models.ForeignKey(
        BusinessUnit,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: for every unit that has none of its own.",
    )
    team = models.ForeignKey(Team, models.PROTECT, related_name="+")

    objects: ClassVar = ToolFunctionQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["function", "unit"],
                nulls_distinct=False,
                name="tool_function_unique",
                violation_error_code="tool_function_unique",
                violation_error_message="This function is held for that unit already.",
            ),
            models.CheckConstraint(
                condition=Q(function__in=Function.values), name="tool_function_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_function_display()}: {self.team}"


register_verbs(ToolFunction, FUNCTION_NEEDS)
register_verbs(BusinessUnit, UNIT_NEEDS)
