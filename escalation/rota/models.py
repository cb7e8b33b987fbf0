"""Schedules: layers of rotations, and the overrides that replace them for a while."""

from typing import TYPE_CHECKING, ClassVar, Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import BigIntegerRangeField, DateTimeRangeField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q, Value

from config import clock
from config.access.rules import Level, level
from config.access.visibility import register_verbs, visible_records
from config.audit.tracking import Tracked, TrackedQuerySet
from config.organisation.models import KEY_VALIDATOR, Team, User
from config.organisation.rules import validate_time_zone
from escalation.rota.rules import FIRST_DAY, LAST_DAY, Rotation

if TYPE_CHECKING:
    from collections.abc import Sequence


class ScheduleQuerySet(TrackedQuerySet["Schedule"]):
    """Schedules, by what one may see."""

    def visible_to(self, user: "User") -> Self:
        """Those of teams that the user can see."""
        return self.filter(visible_records(user, self.model, service=None))

    def with_layers(self) -> Self:
        """With all that deciding who is on call needs."""
        return self.select_related("team").prefetch_related("layers__turns__user")


class Schedule(Tracked):
    """Who is on call for a team, week by week."""

    key = models.SlugField(max_length=60, validators=[KEY_VALIDATOR])
    name = models.CharField(max_length=120)
    team = models.ForeignKey(Team, models.PROTECT, related_name="schedules")
    time_zone = models.CharField(
        max_length=64,
        default="UTC",
        validators=[validate_time_zone],
        help_text="Hand-offs happen at this zone's local time, summer and winter.",
    )
    is_active = models.BooleanField("active", default=True)

    objects: ClassVar = ScheduleQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                name="schedule_key_unique",
                violation_error_code="schedule_key_unique",
                violation_error_message="A schedule with this key exists.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class LayerQuerySet(TrackedQuerySet["Layer"]):
    """Rotations, by what one may see."""

    def visible_to(self, user: "User") -> Self:
        """Those of schedules that the user can see."""
        team = "schedule__team"
        return self.filter(visible_records(user, self.model, service=None, team=team))


class Layer(Tracked):
    """One rotation of a schedule; the layer with the lowest position covers first."""

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="layers")
    name = models.CharField(max_length=60, default="Primary")
    position = models.PositiveSmallIntegerField(default=1)
    starts_on = models.DateField(
        validators=[MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)],
        help_text="The day of the first hand-off.",
    )
    ends_on = models.DateField(
        null=True,
        blank=True,
        validators=[MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)],
        help_text="The rotation ends at this day's hand-off.",
    )
    handoff = models.TimeField("hand-off", help_text="Local time of the schedule.")
    days = models.PositiveSmallIntegerField(
        "days per turn",
        default=7,
        validators=[MinValueValidator(1), MaxValueValidator(366)],
    )

    objects: ClassVar = LayerQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["schedule", "position"],
                name="layer_position_unique",
                violation_error_code="layer_position_unique",
                violation_error_message="Two layers can't have the same position.",
            ),
            models.CheckConstraint(
                condition=Q(days__gte=1),
                name="layer_days_positive",
                violation_error_code="layer_days_positive",
                violation_error_message="A turn lasts at least one day.",
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gt=F("starts_on")),
                name="layer_ends_after_start",
                violation_error_code="layer_ends_after_start",
                violation_error_message="The last day must be later than the first.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.schedule}: {self.name}"

    @property
    def team_id(self) -> int:
        """The container from which rights are inherited."""
        return self.schedule.team_id

    def rotation(self, turns: "Sequence[Turn]") -> Rotation:
        """The pure rotation; pass the prefetched turns."""
        ordered = sorted(turns, key=lambda turn: (turn.position, turn.pk))
        return Rotation(
            people=[turn.user_id for turn in ordered],
            starts_on=self.starts_on,
            handoff=self.handoff,
            days=self.days,
            zone=self.schedule.time_zone,
            ends_on=self.ends_on,
        )


class Turn(Tracked):
    """One person's place in a rotation."""

    layer = models.ForeignKey(Layer, models.CASCADE, related_name="turns")
    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="person")
    position = models.PositiveSmallIntegerField(default=1)

    class Meta:
        default_permissions = ()
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["layer", "position"],
                name="turn_position_unique",
                violation_error_code="turn_position_unique",
                violation_error_message="Two people can't have the same place in the rotation.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.user}"


class OverrideQuerySet(TrackedQuerySet["Override"]):
    """Overrides, by what one may see and by time."""

    def visible_to(self, user: "User") -> Self:
        """Those of schedules that the user can see."""
        team = "schedule__team"
        return self.filter(visible_records(user, self.model, service=None, team=team))

    def standing(self) -> Self:
        """Not withdrawn."""
        return self.filter(withdrawn_at__isnull=True)


class Override(Tracked):
    """Somebody takes over for a while: a swap, a sick day, a hand-over in the night."""

    schedule = models.ForeignKey(Schedule, models.PROTECT, related_name="overrides")
    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="person")
    span = DateTimeRangeField("from and until")
    reason = models.CharField(max_length=200, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects: ClassVar = OverrideQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            ExclusionConstraint(
                name="override_no_overlap",
                expressions=[
                    (
                        Func(
                            F("schedule"),
                            F("schedule"),
                            Value("[]"),
                            function="int8range",
                            output_field=BigIntegerRangeField(),
                        ),
                        "&&",
                    ),
                    ("span", "&&"),
                ],
                condition=Q(withdrawn_at__isnull=True),
                violation_error_code="override_no_overlap",
                violation_error_message="Another override covers part of that time.",
            ),
            models.CheckConstraint(
                condition=Q(span__isempty=False, span__lower_inf=False, span__upper_inf=False),
                name="override_has_ends",
                violation_error_code="override_has_ends",
                violation_error_message="An override needs a start and a later end.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} covers {self.schedule}"

    @property
    def team_id(self) -> int:
        """The container from which rights are inherited."""
        return self.schedule.team_id


NEEDS = {"view": level(Level.VIEW), "edit": level(Level.MANAGE), "override": level(Level.RESPOND)}
register_verbs(Schedule, NEEDS)
register_verbs(Layer, NEEDS)
register_verbs(Override, {"view": level(Level.VIEW), "withdraw": level(Level.RESPOND)})
register_verbs(Team, {"add_schedule": level(Level.MANAGE)})
