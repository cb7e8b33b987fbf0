"""Agreements: a policy kind of its own, so that nobody alone says what is bound and what is not."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from config.access.models import ContainerType
from config.access.visibility import container_model
from config.audit.tracking import Tracked
from config.errors import Invalid
from config.governance.models import Policy, PolicyVersion


class AgreementVersion(PolicyVersion):
    """A version of an agreement: with whom, about what, signed when, and what it defines.

    Service levels, when they are measured, are kept beside it and name its policy.
    """

    policy_kind: ClassVar[str] = "agreement"
    parts: ClassVar[tuple[str, ...]] = ("definitions",)

    counterparty = models.CharField(
        max_length=200, blank=True, help_text="The customer, or the unit, on the other side."
    )
    document = models.CharField(
        max_length=200, blank=True, help_text="Where the signed paper is: a number, or an address."
    )
    service = models.CharField(
        max_length=100,
        blank=True,
        help_text="Key of the service that it is about; its owner signs. Empty: every service "
        "of the unit, or of the enterprise.",
    )
    signed_on = models.DateField(
        null=True, blank=True, help_text="It binds from that day on; without one it binds nothing."
    )
    ends_on = models.DateField(
        "last day", null=True, blank=True, help_text="Empty: until further notice."
    )

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True)
                | Q(signed_on__isnull=True)
                | Q(ends_on__gte=F("signed_on")),
                name="agreement_ends_after_signature",
                violation_error_code="agreement_ends_after_signature",
                violation_error_message="The last day is before the day of the signature.",
            )
        ]

    @classmethod
    def clean_values(cls, policy: Policy, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """A service that the catalogue doesn't have would leave nobody to sign."""
        key = values.get("service", "")
        if key and service_named(key) is None:
            raise Invalid(f"There is no service '{key}'.", field="service")
        return values


class Definition(Tracked):
    """A policy whose definitions the agreement rests on. `line` is the row's identity."""

    agreement = models.ForeignKey(AgreementVersion, models.CASCADE, related_name="definitions")
    line = models.CharField(max_length=40)
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="+")
    note = models.CharField(max_length=200, blank=True, help_text="Which part of it, if not all.")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["agreement", "policy"],
                name="agreement_definition_unique",
                violation_error_code="agreement_definition_unique",
                violation_error_message="The agreement names this policy already.",
            )
        ]

    def __str__(self) -> str:
        return str(self.policy)


def service_named(key: str) -> models.Model | None:
    """The service of the catalogue, which is a floor above."""
    manager: Any = container_model(ContainerType.SERVICE)._base_manager
    found: models.Model | None = manager.filter(key=key).first()
    return found
