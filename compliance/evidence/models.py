"""Audit requests, approved by compliance, and the exports that answer them."""

import uuid
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from compliance.evidence import rules
from config import clock
from config.access.restricted import hangs_on
from config.access.rules import Role
from config.access.visibility import Access, access_for, register_verbs
from config.audit.tracking import Tracked, TrackedQuerySet
from config.organisation.models import BusinessUnit, User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident

READERS = (Role.AUDITOR, Role.COMPLIANCE_OFFICER)


class RequestState(models.TextChoices):
    """Where an audit request stands."""

    REQUESTED = "requested", "Awaiting approval"
    APPROVED = "approved", "Approved"
    REFUSED = "refused", "Refused"


class AuditRequestQuerySet(TrackedQuerySet["AuditRequest"]):
    """Requests, by what one may see."""

    def visible_to(self, user: User) -> Self:
        """One's own; auditors and compliance see those within their containers.

        One about a restricted incident is seen only by who may see the incident.
        """
        if not user.is_active:
            return self.none()
        if user.is_superuser:
            return self
        access = access_for(user)
        reached = _within(access)
        # An empty Q means everything, but vanishes in an OR.
        mine = self.filter(reached | Q(requested_by=user) if reached else reached)
        opened: Self = access.open_rows(mine)  # type: ignore[assignment]  # the same class
        return opened


def _within(access: Access) -> Q:
    reach = access.holding(READERS)
    if reach.everything:
        return Q()
    units, services = Q(unit__in=reach.units), Q(service__in=reach.services)
    incidents = Q(incident__team__in=reach.teams) | Q(incident__service__in=reach.services)
    return units | services | incidents


class AuditRequest(Tracked):
    """What somebody wants to see as evidence: scope, period, reason, legal basis."""

    title = models.CharField(max_length=200)
    period_from = models.DateTimeField("from", help_text="UTC, inclusive.")
    period_until = models.DateTimeField("until", help_text="UTC, exclusive.")
    unit = models.ForeignKey(
        BusinessUnit, models.PROTECT, null=True, blank=True, related_name="+",
        help_text="Only incidents of this unit and the units below it.",
    )  # fmt: skip
    service = models.ForeignKey(
        Service, models.PROTECT, null=True, blank=True, related_name="+",
        help_text="Only incidents of this service.",
    )  # fmt: skip
    incident = models.ForeignKey(
        Incident, models.PROTECT, null=True, blank=True, related_name="+",
        help_text="Only this incident.",
    )  # fmt: skip
    reason = models.TextField(help_text="What the evidence is needed for.")
    legal_basis = models.CharField(max_length=200, blank=True)
    state = models.CharField(
        max_length=10, choices=RequestState.choices, default=RequestState.REQUESTED, editable=False
    )
    requested_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    requested_at = models.DateTimeField(default=clock.now, editable=False)
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    decided_at = models.DateTimeField(null=True, blank=True, editable=False)
    decision_reason = models.TextField(blank=True, editable=False)

    objects: ClassVar = AuditRequestQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(period_until__gt=F("period_from")),
                name="audit_period_in_order",
                violation_error_code="audit_period_in_order",
                violation_error_message="The period must end after it begins.",
            ),
            models.CheckConstraint(
                condition=~Q(reason=""),
                name="audit_has_reason",
                violation_error_code="audit_has_reason",
                violation_error_message="Say what the evidence is needed for.",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("requested_by")),
                name="audit_four_eyes",
                violation_error_code="four_eyes",
                violation_error_message="Somebody else than the requester decides.",
            ),
            models.CheckConstraint(
                condition=Q(
                    state=RequestState.REQUESTED, decided_at__isnull=True, decided_by__isnull=True
                )
                | Q(
                    state__in=[RequestState.APPROVED, RequestState.REFUSED],
                    decided_at__isnull=False,
                    decided_by__isnull=False,
                ),
                name="audit_decided_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def scope(self) -> rules.Scope:
        """The scope as plain values: what an export is bound to."""
        return rules.Scope(
            period_from=self.period_from,
            period_until=self.period_until,
            unit_id=self.unit_id,
            service_id=self.service_id,
            incident_id=self.incident_id,
        )


class ExportState(models.TextChoices):
    """Where an export stands."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"


UNDER_WAY = (ExportState.QUEUED, ExportState.RUNNING)


class ExportQuerySet(TrackedQuerySet["Export"]):
    """Exports, by what one may see."""

    def visible_to(self, user: User) -> Self:
        """Those that answer requests which the user can see."""
        return self.filter(request__in=AuditRequest.objects.visible_to(user).values("pk"))

    def under_way(self) -> Self:
        """Neither ready nor failed."""
        return self.filter(state__in=UNDER_WAY)


class Export(Tracked):
    """One evidence pack: made in the background, sealed, and itself recorded."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    request = models.ForeignKey(AuditRequest, models.PROTECT, related_name="exports")
    state = models.CharField(
        max_length=10, choices=ExportState.choices, default=ExportState.QUEUED, editable=False
    )
    ordered_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    ordered_at = models.DateTimeField(default=clock.now, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True, editable=False)
    size = models.BigIntegerField("bytes", null=True, editable=False)
    rows = models.BigIntegerField(null=True, editable=False)
    holds_restricted = models.BooleanField(
        default=False, editable=False, help_text="Only who asked for it or ordered it may take it."
    )
    error = models.TextField(blank=True, editable=False)

    objects: ClassVar = ExportQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=~Q(state=ExportState.READY) | ~Q(sha256="") & Q(size__isnull=False),
                name="export_ready_has_file",
            ),
            models.UniqueConstraint(
                fields=["request"],
                condition=Q(state__in=UNDER_WAY),
                name="export_one_under_way",
                violation_error_code="export_one_under_way",
                violation_error_message="An export of this request is under way.",
            ),
        ]

    def __str__(self) -> str:
        return f"Export of {self.request}"

    @property
    def unit_id(self) -> int | None:
        """The container from which rights are inherited, where no incident is asked for."""
        return self.request.unit_id

    @property
    def service_id(self) -> int | None:
        """The container from which rights are inherited, where no incident is asked for."""
        return self.request.service_id

    @property
    def requested_by_id(self) -> int:
        """Whoever asked for it."""
        return self.request.requested_by_id

    @property
    def is_stalled(self) -> bool:
        """Under way, yet its job has been silent for too long: it may be ordered again."""
        running = self.state == ExportState.RUNNING
        seen_at = self.progress.seen_at
        return self.state in UNDER_WAY and rules.is_silent(clock.now(), seen_at, running=running)

    @property
    def file_name(self) -> str:
        """The name under which it is downloaded."""
        return f"watchbill-evidence-{self.ordered_at:%Y%m%d}-{self.key}.zip"


class ExportProgress(models.Model):
    """How far a running export has come: too busy a fact for a history.

    `token` names the run that may finish it: a run that was given up for dead has lost it.
    """

    export = models.OneToOneField(Export, models.CASCADE, primary_key=True, related_name="progress")
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    seen_at = models.DateTimeField(default=clock.now)
    token = models.UUIDField(null=True, editable=False)
    runs = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.done} of {self.total}"

    @property
    def percent(self) -> int:
        """0 to 100."""
        return min(100, self.done * 100 // self.total) if self.total else 0


hangs_on(AuditRequest, Incident, "incident")
hangs_on(Export, Incident, "request__incident")
hangs_on(ExportProgress, Incident, "export__request__incident")
register_verbs(AuditRequest, rules.REQUEST_NEEDS)
register_verbs(Export, rules.EXPORT_NEEDS)
