"""What happened: one append-only row per event, and one delivery row per handler that wants it."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from config.audit.tracking import AppendOnly
from config.due.models import DueRow
from config.origin import Origin


class Event(AppendOnly):
    """A fact that people, auditors or other rooms care about. Carries ids and plain values only."""

    kind = models.CharField(max_length=80)
    subject_type = models.CharField(max_length=80, help_text="Label of the model, or empty.")
    subject_id = models.BigIntegerField(null=True)
    subject_name = models.CharField(max_length=200, blank=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    origin = models.CharField(max_length=10, choices=Origin.choices)
    at = models.DateTimeField(help_text="When it happened.")
    recorded_at = models.DateTimeField(db_default=Now(), help_text="When it was written down.")
    reason = models.TextField(blank=True)
    data = models.JSONField(default=dict)

    # No column: its subject as the operation holds it, under its lock, while it is being recorded.
    held: models.Model | None = None

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "-id"], name="event_subject"),
            models.Index(fields=["kind", "-id"], name="event_kind"),
            models.Index(fields=["at"], name="event_at"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(origin__in=Origin.values), name="event_origin_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_name}".strip()

    def about[M: models.Model](self, model: type[M]) -> M:
        """Its subject: inside the operation the object that this holds, elsewhere as it is now."""
        if isinstance(self.held, model):
            return self.held
        return model._default_manager.get(pk=self.subject_id or 0)


class EventDelivery(DueRow):
    """The promise that one handler will be told of one event."""

    event = models.ForeignKey(Event, models.PROTECT, related_name="deliveries")
    handler = models.CharField(max_length=120, help_text="Stable name under which it registered.")

    class Meta(DueRow.Meta):
        verbose_name_plural = "event deliveries"
        indexes = [*DueRow.indexes("delivery")]
        constraints = [
            *DueRow.constraints("delivery"),
            models.UniqueConstraint(fields=["event", "handler"], name="delivery_once"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} to {self.handler}"


class RestrictedRead(AppendOnly):
    """Somebody read a restricted record, or took an export: reads that must leave a trace."""

    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    subject_type = models.CharField(max_length=80)
    subject_ids = ArrayField(models.BigIntegerField())
    origin = models.CharField(max_length=10, choices=Origin.choices)
    at = models.DateTimeField(db_default=Now())
    what = models.CharField(max_length=200)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.actor_id} read {self.what}"
