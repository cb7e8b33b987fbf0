"""A running escalation, and the append-only record of what it did."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from config import clock
from config.access.restricted import hangs_on
from config.access.rules import Level, level
from config.access.visibility import register_verbs, visible_records
from config.audit.tracking import AppendOnly, AppendOnlyQuerySet, Tracked, TrackedQuerySet
from config.organisation.models import User
from escalation.policies.models import EscalationPolicyVersion
from incidents.lifecycle.models import Incident


class RunState(models.TextChoices):
    """Where an escalation stands."""

    ACTIVE = "active", "Paging"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    EXHAUSTED = "exhausted", "Exhausted: nobody answered"
    ENDED = "ended", "Ended"


LIVE = (RunState.ACTIVE, RunState.ACKNOWLEDGED, RunState.EXHAUSTED)


class RunQuerySet(TrackedQuerySet["EscalationRun"]):
    """Escalations, by what one may see and by state."""

    def visible_to(self, user: User) -> Self:
        """Those of incidents that the user can see."""
        return self.filter(visible_records(user, self.model))

    def live(self) -> Self:
        """Not ended."""
        return self.filter(state__in=LIVE)


class EscalationRun(Tracked):
    """An escalation of one incident. It keeps the policy version with which it began."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="escalation_runs")
    policy_version = models.ForeignKey(EscalationPolicyVersion, models.PROTECT, related_name="+")
    state = models.CharField(max_length=15, choices=RunState.choices, default=RunState.ACTIVE)
    trigger = models.CharField(max_length=40)
    tier = models.PositiveSmallIntegerField(
        default=0, help_text="The tier paged last; 0: none yet."
    )
    round = models.PositiveSmallIntegerField(default=1)
    started_at = models.DateTimeField(default=clock.now)
    next_tier_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = RunQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["incident"], condition=Q(state__in=LIVE), name="run_one_live"
            ),
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="run_state_known"),
        ]

    def __str__(self) -> str:
        return f"Escalation of {self.incident.reference}"


class RecordKind(models.TextChoices):
    """What the escalation did."""

    STARTED = "started", "Started"
    PAGED = "paged", "Paged"
    SKIPPED = "skipped", "Skipped"
    UNREACHABLE = "unreachable", "Could not be reached"
    ESCALATED = "escalated", "Escalated by a person"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    REARMED = "rearmed", "Armed again"
    EXHAUSTED = "exhausted", "Exhausted"
    ENDED = "ended", "Ended"


class RecordQuerySet(AppendOnlyQuerySet["EscalationRecord"]):
    """Entries of records, by what one may see."""

    def visible_to(self, user: User) -> Self:
        """Those of incidents that the user can see."""
        return self.filter(visible_records(user, self.model))


class EscalationRecord(AppendOnly):
    """One entry of the escalation's record: trigger, person, justification, from and to."""

    run = models.ForeignKey(EscalationRun, models.PROTECT, related_name="records")
    kind = models.CharField(max_length=15, choices=RecordKind.choices)
    at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(null=True)
    tier = models.PositiveSmallIntegerField(default=0)
    round = models.PositiveSmallIntegerField(default=1)
    person = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    actor = models.ForeignKey(User, models.PROTECT, related_name="+")
    reason = models.TextField(blank=True)

    objects: ClassVar = RecordQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["run", "id"], name="record_run")]

    def __str__(self) -> str:
        return f"{self.kind} tier {self.tier}"


hangs_on(EscalationRun, Incident, "incident")
hangs_on(EscalationRecord, Incident, "run__incident")
register_verbs(EscalationRecord, {"view": level(Level.VIEW)})
register_verbs(EscalationRun, {"view": level(Level.VIEW), "escalate": level(Level.RESPOND)})
register_verbs(Incident, {"escalate": level(Level.RESPOND)})
