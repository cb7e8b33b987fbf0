"""Operating models of units, and what units may do with a policy: governed, from a date each."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from config.federation.rules import USUAL, OperatingModel
from config.governance.models import Freedom, Policy, PolicyVersion
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


class FreedomVersion(PolicyVersion):
    """What units may do with one policy of the enterprise, from this version's activation on."""

    policy_kind: ClassVar[str] = "freedom"

    about = models.ForeignKey(
        Policy, models.PROTECT, related_name="+", verbose_name="policy",
        help_text="A policy of the enterprise.",
    )  # fmt: skip
    freedom = models.CharField(
        "units", max_length=12, choices=Freedom.choices, default=Freedom.FREE,
        help_text="Locked: it holds everywhere. Extendable: units add rows. Free: units decide.",
    )  # fmt: skip

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(freedom__in=Freedom.values), name="freedom_version_known"
            )
        ]
