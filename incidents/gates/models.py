"""Versions of intake templates, and what each demands."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from config.audit.tracking import Tracked
from config.conditions.fields import ConditionField
from config.governance.models import PolicyVersion
from incidents.gates.rules import CHANNELS, FIELDS, Answer, Stage


class StageChoice(models.TextChoices):
    """When a field becomes mandatory."""

    OPEN = Stage.OPEN, "Open"
    TRIAGE = Stage.TRIAGE, "Triage"
    RESOLVE = Stage.RESOLVE, "Resolve"
    CLOSE = Stage.CLOSE, "Close"


class AnswerChoice(models.TextChoices):
    """What counts as an answer."""

    ANY = Answer.ANY, "Anything"
    AT_LEAST = Answer.AT_LEAST, "At least so many characters"
    ONE_OF = Answer.ONE_OF, "One of the listed values"


class ChannelChoice(models.TextChoices):
    """The ways on which incidents come in."""

    ANY = "any", "Any channel"
    PERSON = CHANNELS[0], "A person"
    API = CHANNELS[1], "API"
    ALERT = CHANNELS[2], "Alert"
    IMPORT = CHANNELS[3], "Import"


class IntakeTemplateVersion(PolicyVersion):
    """What incidents of a type must say that come in on a channel; the closest template holds."""

    policy_kind: ClassVar[str] = "intake_template"
    parts: ClassVar[tuple[str, ...]] = ("demands",)

    class Meta:
        default_permissions = ()

    def beyond(self, enterprise: PolicyVersion) -> list[str] | None:
        """Nothing: whatever its freedom, a unit's template only demands more (`loosened`)."""
        return []


class FieldDemand(Tracked):
    """One field that is mandatory from a stage on."""

    template = models.ForeignKey(IntakeTemplateVersion, models.CASCADE, related_name="demands")
    line = models.CharField(max_length=40)
    field = models.CharField(max_length=30, choices=list(FIELDS.items()))
    stage = models.CharField(
        "mandatory to", max_length=10, choices=StageChoice.choices, default=StageChoice.OPEN
    )
    answer = models.CharField(
        max_length=10,
        choices=AnswerChoice.choices,
        default=AnswerChoice.ANY,
        help_text="What counts as an answer.",
    )
    least = models.PositiveSmallIntegerField(
        "characters", null=True, blank=True, help_text="For 'at least so many characters'."
    )
    options: "models.Field[Any, Any]" = ArrayField(
        models.CharField(max_length=60),
        default=list,
        blank=True,
        help_text="For 'one of the listed values': the values or keys, separated by commas.",
    )
    conditions = ConditionField(subject="incident")
    hint = models.CharField(
        max_length=200, blank=True, help_text="What to tell somebody who left it out."
    )

    class Meta:
        verbose_name = "mandatory field"
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(field__in=list(FIELDS), stage__in=StageChoice.values)
                & Q(answer__in=AnswerChoice.values),
                name="field_demand_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{FIELDS.get(self.field, self.field)} to {self.stage}"

    def clean(self) -> None:
        """Each kind of answer needs its own measure."""
        if self.answer == AnswerChoice.AT_LEAST and not self.least:
            raise ValidationError({"least": "Say how many characters it needs."})
        if self.answer == AnswerChoice.ONE_OF and not self.options:
            raise ValidationError({"options": "List the values of which it must be one."})
