"""The approval matrix, a policy kind of its own: it says as well who approves its next version."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from config.access.rules import Role
from config.approvals.rules import EVERY_OTHER, MOST_PEOPLE, ROLE_CHOICES, in_order
from config.audit.tracking import Tracked
from config.events.operations import ask
from config.governance.content import version_models
from config.governance.models import PolicyVersion


class ApprovalMatrixVersion(PolicyVersion):
    """A version of the matrix: for each kind of policy how many people approve, and who."""

    policy_kind: ClassVar[str] = "approval_matrix"
    parts: ClassVar[tuple[str, ...]] = ("demands",)

    class Meta:
        default_permissions = ()

    def shown_value(self, name: str, value: Any) -> str | None:
        """Kinds of policies as the sidebar names them; roles have choices."""
        return kind_shown(value) if name == "kind" and value else None


class ApprovalDemand(Tracked):
    """What one kind of policy needs to be approved. `line` is the row's identity."""

    version = models.ForeignKey(ApprovalMatrixVersion, models.CASCADE, related_name="demands")
    line = models.CharField(max_length=40)
    kind = models.CharField(
        "kind of policy", max_length=60, blank=True, help_text="Empty: every kind without a row."
    )
    people = models.PositiveSmallIntegerField(
        default=1, help_text=f"How many different people must approve, 1 to {MOST_PEOPLE}."
    )
    roles = ArrayField(
        models.CharField(max_length=40, choices=ROLE_CHOICES), default=list, blank=True,
        verbose_name="among them",
        help_text="Each of these roles approves as well, by one who holds it. Policy approvers "
        "always may; with none named, nobody else.",
    )  # fmt: skip

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["version", "kind"],
                name="approval_demand_unique",
                violation_error_code="approval_demand_unique",
                violation_error_message="The matrix says already what this kind needs.",
            ),
            models.CheckConstraint(
                condition=Q(people__gte=1, people__lte=MOST_PEOPLE),
                name="approval_demand_people",
                violation_error_code="approval_demand_people",
                violation_error_message=f"From 1 to {MOST_PEOPLE} people approve a policy.",
            ),
            models.CheckConstraint(
                condition=Q(roles__contained_by=list(Role.values)),
                name="approval_demand_roles_known",
            ),
        ]

    def __str__(self) -> str:
        return kind_shown(self.kind)

    def clean(self) -> None:
        """Only kinds that the product knows: a misspelt one would demand nothing."""
        self.roles = in_order(self.roles or [])
        if self.kind and self.kind not in known_kinds():
            text = "There is no such kind of policy."
            raise ValidationError({"kind": ValidationError(text, code="invalid")})


def known_kinds() -> list[str]:
    """All kinds of policies."""
    return [model.policy_kind for model in version_models()]


def kind_shown(kind: str) -> str:
    """A kind in words; those of a release that had others by their names."""
    if not kind:
        return EVERY_OTHER
    if kind not in known_kinds():
        return kind
    found: str = ask("policy.kind_in_words", default=kind, kind=kind)
    return found
