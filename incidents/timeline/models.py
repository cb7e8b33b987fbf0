"""The one append-only timeline of an incident, for all teams and tools."""

import datetime
from typing import TYPE_CHECKING, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from config import clock
from config.access.restricted import hangs_on
from config.access.rules import Level, level
from config.access.visibility import register_verbs, visible_records
from config.audit.tracking import AppendOnly, AppendOnlyQuerySet
from config.events.models import Event
from config.origin import Origin

if TYPE_CHECKING:
    from config.organisation.models import User

LATE_AFTER = datetime.timedelta(minutes=5)


class EntryKind(models.TextChoices):
    """What sort of line it is."""

    OBSERVATION = "observation", "Observation"
    ACTION = "action", "Action"
    DECISION = "decision", "Decision"
    COMMUNICATION = "communication", "Communication"
    SYSTEM = "system", "System"
    TRANSCRIPT = "transcript", "Transcript"


class Reliability(models.TextChoices):
    """How far the source of a statement can be trusted."""

    TELEMETRY = "telemetry", "Telemetry"
    CONFIRMED = "confirmed", "Confirmed by a person"
    REPORTED = "reported", "Reported, not confirmed"


class TimelineQuerySet(AppendOnlyQuerySet["TimelineEntry"]):
    """Lines, by what one may see."""

    def visible_to(self, user: "User") -> Self:
        """The lines of incidents that the user sees."""
        return self.filter(visible_records(user, self.model))


class TimelineEntry(AppendOnly):
    """One line: when it happened, when it was written, who says so. Corrections supersede."""

    incident = models.ForeignKey("incidents.Incident", models.PROTECT, related_name="timeline")
    event = models.ForeignKey(Event, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=15, choices=EntryKind.choices)
    text = models.TextField()
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=clock.now, editable=False)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    origin = models.CharField(max_length=10, choices=Origin.choices)
    source = models.CharField(max_length=80, blank=True)
    reliability = models.CharField(
        max_length=10, choices=Reliability.choices, default=Reliability.CONFIRMED
    )
    supersedes = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="superseded_by"
    )

    objects: ClassVar = TimelineQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "timeline entries"
        default_permissions = ()
        indexes = [models.Index(fields=["incident", "at", "id"], name="timeline_order")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(text=""),
                name="timeline_has_text",
                violation_error_code="timeline_has_text",
                violation_error_message="Write what happened.",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=EntryKind.values, origin__in=Origin.values),
                name="timeline_kind_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.text[:60]}"

    @property
    def is_late(self) -> bool:
        """Written down more than five minutes after it happened, and not by an import."""
        return self.origin != Origin.IMPORT and self.recorded_at - self.at > LATE_AFTER


hangs_on(TimelineEntry, "incidents.Incident", "incident")
register_verbs(TimelineEntry, {"view": level(Level.VIEW)})
