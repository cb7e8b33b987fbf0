"""The operating model of a unit: a governed policy, so that it holds from a date."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from config.federation.rules import USUAL, OperatingModel
from config.governance.models import PolicyVersion
from config.organisation.models import User


class OperatingModelVersion(PolicyVersion):
    """A version of a unit's operating model; units below inherit it."""

    policy_kind: ClassVar[str] = "operating_model"

    model = models.CharField(max_length=10, choices=OperatingModel.choices, default=USUAL)
    regional_lead = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+",
        help_text="Who speaks for the unit towards the enterprise.",
    )  # fmt: skip
    regulatory_duties = models.TextField(
        blank=True, help_text="Duties towards local authorities that the unit fulfils by itself."
    )

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(model__in=OperatingModel.values), name="operating_model_known"
            )
        ]
