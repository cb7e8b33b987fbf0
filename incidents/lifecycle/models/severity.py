"""How severe an incident counts: each change, who decided it, and what a severity set off."""

import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from config import clock
from config.access.restricted import hangs_on
from config.access.rules import Level as AccessLevel
from config.access.rules import level
from config.access.visibility import register_verbs, visible_records
from config.audit.tracking import AppendOnly, AppendOnlyQuerySet, Tracked, TrackedQuerySet
from config.governance.models import PolicyVersion
from config.organisation.models import User
from incidents.lifecycle.models.incident import Incident
from incidents.taxonomy.models import Severity

if TYPE_CHECKING:
    from django.db.models import QuerySet


class ChangeReason(models.TextChoices):
    """Why a severity changes. The first two are the product's own words."""

    COMPUTED = "computed", "The matrix says so of the impact"
    PROVISIONAL = "provisional", "Declared while the impact is unclear"
    IMPACT_GREW = "impact_grew", "The impact grew"
    IMPACT_SHRANK = "impact_shrank", "The impact shrank"
    WORKAROUND = "workaround", "A workaround holds"
    MISJUDGED = "misjudged", "It was misjudged at first"
    OTHER = "other", "Another reason"


class Verdict(models.TextChoices):
    """How a request to change the severity ended."""

    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    WITHDRAWN = "withdrawn", "Withdrawn by who asked"
    SUPERSEDED = "superseded", "Overtaken by a later assessment"


class SeverityChangeQuerySet(AppendOnlyQuerySet["SeverityChange"]):
    """Changes, by what one may see."""

    def visible_to(self, user: "User") -> Self:
        """Those of incidents that the user sees."""
        return self.filter(visible_records(user, self.model))

    def undecided(self) -> Self:
        """Requests that still wait for a second person."""
        return self.filter(needs_decision=True, decision__isnull=True)


class SeverityChange(AppendOnly):
    """One change of an incident's severity, or the request for one that needs a second person."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="severity_changes")
    from_severity = models.CharField(max_length=4, choices=Severity.choices)
    to_severity = models.CharField(max_length=4, choices=Severity.choices)
    reason_code = models.CharField(max_length=15, choices=ChangeReason.choices)
    justification = models.TextField(blank=True)
    evidence = models.TextField(
        blank=True, help_text="What shows it: links, figures, references of records."
    )
    version = models.ForeignKey(PolicyVersion, models.PROTECT, null=True, related_name="+")
    line = models.CharField(max_length=40, blank=True)
    needs_decision = models.BooleanField(default=False)
    was_provisional = models.BooleanField(default=False)
    requested_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(default=clock.now)

    objects: ClassVar = SeverityChangeQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["incident", "-id"], name="severity_change_incident")]
        constraints = [
            models.CheckConstraint(
                condition=Q(from_severity__in=Severity.values, to_severity__in=Severity.values)
                & Q(reason_code__in=ChangeReason.values)
                & ~Q(from_severity=F("to_severity")),
                name="severity_change_known",
            ),
            models.CheckConstraint(
                condition=Q(to_severity__lt=F("from_severity")) | ~Q(justification=""),
                name="severity_change_justified",
                violation_error_code="severity_change_justified",
                violation_error_message="Say what justifies the lower severity.",
            ),
            models.CheckConstraint(
                condition=~Q(from_severity=Severity.SEV1)
                | Q(needs_decision=True)
                | Q(was_provisional=True),
                name="severity_change_second_person",
                violation_error_code="severity_change_second_person",
                violation_error_message="Leaving SEV1 needs a second person.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_severity} to {self.to_severity}"

    @property
    def is_downgrade(self) -> bool:
        """Towards less severe."""
        return self.to_severity > self.from_severity


class SeverityDecisionQuerySet(AppendOnlyQuerySet["SeverityDecision"]):
    """Decisions, by what one may see."""

    def visible_to(self, user: "User") -> Self:
        """Those about incidents that the user sees."""
        return self.filter(visible_records(user, self.model))


class SeverityDecision(AppendOnly):
    """How a request ended: at most one to each, by somebody else than who asked."""

    change = models.OneToOneField(SeverityChange, models.PROTECT, related_name="decision")
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    requested_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(default=clock.now)
    note = models.TextField(blank=True)

    objects: ClassVar = SeverityDecisionQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=Verdict.values), name="severity_decision_known"
            ),
            models.CheckConstraint(
                condition=~Q(verdict__in=[Verdict.APPROVED, Verdict.REJECTED])
                | ~Q(decided_by=F("requested_by")),
                name="severity_decision_four_eyes",
                violation_error_code="severity_decision_four_eyes",
                violation_error_message="Somebody else than who asked for it decides.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.change}: {self.get_verdict_display().lower()}"


class IncidentEngagementQuerySet(AppendOnlyQuerySet["IncidentEngagement"]):
    """Engagements, by what one may see."""

    def visible_to(self, user: "User") -> Self:
        """Those of incidents that the user sees."""
        return self.filter(visible_records(user, self.model))


class IncidentEngagement(AppendOnly):
    """What a severity set off on an incident; the newest is what holds.

    Written in the transaction that gave the incident that severity. `version` is the matrix that
    said so; none before the first one was in force.
    """

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="engagements")
    severity = models.CharField(max_length=4, choices=Severity.choices)
    version = models.ForeignKey(PolicyVersion, models.PROTECT, null=True, related_name="+")
    roles: "models.Field[Any, Any]" = ArrayField(
        models.CharField(max_length=40), default=list, blank=True
    )
    has_war_room = models.BooleanField("war room", default=False)
    communication_plan = models.CharField(max_length=60, blank=True)
    escalation_policy = models.CharField(max_length=100, blank=True)
    sla_target_minutes = models.PositiveIntegerField("SLA target (minutes)", null=True, blank=True)
    penalty_clause = models.CharField(max_length=120, blank=True)
    at = models.DateTimeField(default=clock.now)

    objects: ClassVar = IncidentEngagementQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["incident", "-id"], name="engagement_incident")]
        constraints = [
            models.CheckConstraint(
                condition=Q(severity__in=Severity.values), name="incident_engagement_severity_known"
            )
        ]

    def __str__(self) -> str:
        return f"What {self.severity} set off"


class ProvisionalOutcome(models.TextChoices):
    """How a provisional severity ended."""

    CONFIRMED = "confirmed", "Confirmed"
    LOWERED = "lowered", "Lowered"


class ProvisionalQuerySet(TrackedQuerySet["ProvisionalSeverity"]):
    """Provisional severities, by how they stand and by what one may see."""

    def visible_to(self, user: "User") -> Self:
        """Those of incidents that the user sees."""
        return self.filter(visible_records(user, self.model))

    def undecided(self) -> Self:
        """Neither confirmed nor lowered."""
        return self.filter(ended_at__isnull=True)

    def overdue(self, at: datetime.datetime) -> Self:
        """Undecided, and past their time."""
        return self.undecided().filter(until__lte=at)


class ProvisionalSeverity(Tracked):
    """A SEV1 declared while its impact is unclear: until when it stands, and how it ended."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="provisionals")
    declared_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    declared_at = models.DateTimeField(default=clock.now)
    justification = models.TextField()
    minutes = models.PositiveIntegerField(help_text="The time that the policy gave it.")
    until: "models.DateTimeField[str | datetime.datetime, datetime.datetime]" = (
        models.DateTimeField()
    )
    extended_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    extended_at = models.DateTimeField(null=True)
    escalated_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=ProvisionalOutcome.choices, blank=True)

    objects: ClassVar = ProvisionalQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "provisional severities"
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["until"], name="provisional_due", condition=Q(ended_at__isnull=True)
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["incident"],
                condition=Q(ended_at__isnull=True),
                name="provisional_one_open",
                violation_error_code="provisional_one_open",
                violation_error_message="A provisional SEV1 is declared already.",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by__isnull=True, outcome="")
                | Q(
                    ended_at__isnull=False,
                    ended_by__isnull=False,
                    outcome__in=ProvisionalOutcome.values,
                ),
                name="provisional_end_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(extended_at__isnull=True, extended_by__isnull=True)
                | Q(extended_at__isnull=False, extended_by__isnull=False),
                name="provisional_extension_is_whole",
            ),
            models.CheckConstraint(
                condition=~Q(justification=""), name="provisional_has_justification"
            ),
        ]

    def __str__(self) -> str:
        return f"Provisional SEV1 until {self.until:%Y-%m-%d %H:%M} UTC"

    @property
    def is_overdue(self) -> bool:
        """Undecided, and past its time."""
        return self.ended_at is None and self.until <= clock.now()


def overdue_incidents(at: datetime.datetime) -> "QuerySet[Incident]":
    """Open incidents whose provisional severity waits for a decision past its time."""
    rows: Any = Incident.objects.open()
    late = ProvisionalSeverity.objects.overdue(at).values("incident")
    found: QuerySet[Incident] = rows.filter(pk__in=late)
    return found


hangs_on(SeverityChange, Incident, "incident")
hangs_on(SeverityDecision, Incident, "change__incident")
hangs_on(IncidentEngagement, Incident, "incident")
hangs_on(ProvisionalSeverity, Incident, "incident")
register_verbs(SeverityChange, {"view": level(AccessLevel.VIEW)})
register_verbs(SeverityDecision, {"view": level(AccessLevel.VIEW)})
register_verbs(IncidentEngagement, {"view": level(AccessLevel.VIEW)})
register_verbs(ProvisionalSeverity, {"view": level(AccessLevel.VIEW)})
