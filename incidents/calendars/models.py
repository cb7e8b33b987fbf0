"""Operating calendars, and the same as rows of instants for queries."""

from typing import TYPE_CHECKING, ClassVar, Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import BigIntegerRangeField, DateTimeRangeField
from django.db import models
from django.db.models import F, Func, Value

from config.access.visibility import register_verbs
from config.audit.tracking import Tracked, TrackedQuerySet
from config.governance.reaching import reaches
from config.organisation.models import KEY_VALIDATOR, BusinessUnit
from config.organisation.rules import validate_time_zone
from incidents.calendars.rules import NEEDS, UNIT_NEEDS, validate_hours, validate_special_days

if TYPE_CHECKING:
    from config.organisation.models import User


class CalendarQuerySet(TrackedQuerySet["OperatingCalendar"]):
    """Calendars, by what one may see."""

    def visible_to(self, user: "User") -> Self:
        """The enterprise's, and those of units in which the user sees anything."""
        return self.filter(reaches(user, unit="unit"))


def _hours() -> "models.CharField[str, str]":
    return models.CharField(
        max_length=100,
        blank=True,
        validators=[validate_hours],
        help_text="Such as 08:00-12:00, 13:00-18:00. Empty: closed. All day: 00:00-24:00.",
    )


class OperatingCalendar(Tracked):
    """When a region works: a week in a time zone, public holidays, and days that differ."""

    key = models.SlugField(max_length=60, validators=[KEY_VALIDATOR])
    name = models.CharField(max_length=120)
    unit = models.ForeignKey(
        BusinessUnit,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: for the whole enterprise.",
    )
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    monday = _hours()
    tuesday = _hours()
    wednesday = _hours()
    thursday = _hours()
    friday = _hours()
    saturday = _hours()
    sunday = _hours()
    holiday_country = models.CharField(
        "country of the holidays",
        max_length=2,
        blank=True,
        help_text="Two letters, such as JP. Empty: no public holidays.",
    )
    holiday_region = models.CharField(
        "region of the holidays",
        max_length=10,
        blank=True,
        help_text="State or province where its holidays differ, such as BY or NY.",
    )
    special_days = models.TextField(
        blank=True,
        validators=[validate_special_days],
        help_text="A line each: 2026-12-24 08:00-12:00 Christmas Eve, or 2026-12-31 closed.",
    )

    objects: ClassVar = CalendarQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                name="calendar_key_unique",
                violation_error_code="calendar_key_unique",
                violation_error_message="A calendar with this key exists.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class OpenPeriod(models.Model):
    """One stretch of operating hours: derived from its calendar, read by queries over many rows."""

    calendar = models.ForeignKey(OperatingCalendar, models.CASCADE, related_name="open_periods")
    period = DateTimeRangeField()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(
                F("calendar"),
                Func(F("period"), function="lower", output_field=models.DateTimeField()),
                name="open_period_start",
            )
        ]
        constraints = [
            ExclusionConstraint(
                name="open_periods_apart",
                expressions=[
                    (
                        Func(
                            F("calendar"),
                            F("calendar"),
                            Value("[]"),
                            function="int8range",
                            output_field=BigIntegerRangeField(),
                        ),
                        "&&",
                    ),
                    ("period", "&&"),
                ],
            )
        ]

    def __str__(self) -> str:
        return f"{self.calendar}: {self.period}"


register_verbs(OperatingCalendar, NEEDS)
register_verbs(BusinessUnit, UNIT_NEEDS)
