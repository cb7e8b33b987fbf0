"""The incident: its states, its key times, and every claim about them."""

import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Q

from config import clock
from config.access.masking import mask
from config.access.restricted import hangs_on, may_be_restricted
from config.access.rules import Level as AccessLevel
from config.access.rules import level
from config.access.visibility import register_verbs, visible_records
from config.audit.tracking import AppendOnly, AppendOnlyQuerySet, Tracked, TrackedQuerySet
from config.governance.models import PolicyVersion
from config.organisation.models import BusinessUnit, Team, User
from incidents.catalog.models import Service
from incidents.components.models import Component
from incidents.lifecycle.rules import IMPACT_READERS, NEEDS, OPEN_STATES, State
from incidents.taxonomy.models import DataSensitivity, Exposure, Level, Severity
from incidents.terms.models import TaxonomyValue
from incidents.timeline.models import Reliability

if TYPE_CHECKING:
    from collections.abc import Iterable


class Source(models.TextChoices):
    """How an incident came to us."""

    ALERT = "alert", "Alert"
    PERSON = "person", "Person"
    API = "api", "API"
    IMPORT = "import", "Import"


class IncidentQuerySet(TrackedQuerySet["Incident"]):
    """Incidents, by what one may see, by state, by words."""

    def visible_to(self, user: "User") -> Self:
        """The only door: incidents of the user's containers; restricted ones by direct grant."""
        return self.filter(visible_records(user, self.model))

    def open(self) -> Self:
        """Not resolved, closed or cancelled."""
        return self.filter(state__in=OPEN_STATES)

    def unacknowledged(self) -> Self:
        """Open ones that nobody has acknowledged."""
        return self.open().filter(acknowledged_at__isnull=True)

    def matching(self, words: str) -> Self:
        """Full-text search over reference, title and description."""
        reference = Q(reference=words.strip().upper())  # by its index; they are all upper case
        text = Q(search=SearchQuery(words, config="english", search_type="websearch"))
        return self.filter(reference | text)

    def with_parts(self) -> Self:
        """Everything that a list or a page shows, in one query; without the search column."""
        return self.select_related(
            *("service", "service__team", "team", "unit", "acknowledged_by", "severity_version"),
            *("component", "type", "category", "closure_code", "cause_code"),
        ).defer("search")

    def for_references(self, references: "Iterable[str]") -> Self:
        """By their public names."""
        return self.filter(reference__in=[reference.upper() for reference in references])


class Incident(Tracked):
    """An unplanned interruption, from first sign to closure; seen by its containers.

    The key times here are the effective ones; each claim about them is a `KeyTimeClaim`.
    """

    history_excluded: ClassVar[tuple[str, ...]] = ("search",)

    number = models.BigIntegerField(editable=False)
    reference = models.CharField(max_length=20, editable=False)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    state = models.CharField(
        max_length=15, choices=State.choices, default=State.NEW, editable=False
    )
    severity = models.CharField(max_length=4, choices=Severity.choices, editable=False)
    level = models.CharField(max_length=10, choices=Level.choices)
    severity_version = models.ForeignKey(
        PolicyVersion, models.PROTECT, null=True, related_name="+", editable=False
    )
    severity_line = models.CharField(
        max_length=40, blank=True, editable=False, help_text="The line of the matrix that decided."
    )
    severity_findings = models.JSONField(
        default=list, editable=False, help_text="What each condition of that line found."
    )
    computed_severity = models.CharField(
        max_length=4,
        choices=Severity.choices,
        blank=True,
        editable=False,
        help_text="What the matrix says of the impact; empty where it was never asked.",
    )
    users_affected = models.BigIntegerField(null=True, blank=True)
    revenue_per_hour = models.BigIntegerField(
        "revenue lost per hour",
        null=True,
        blank=True,
        help_text="In whole units of the company's currency.",
    )
    exposure = models.CharField(max_length=10, choices=Exposure.choices, blank=True)
    data_sensitivity = models.CharField(
        "sensitivity of the data", max_length=12, choices=DataSensitivity.choices, blank=True
    )
    is_regulatory = models.BooleanField("a regulator must be told", null=True, blank=True)
    was_in_hours = models.BooleanField(
        "opened in operating hours",
        null=True,
        editable=False,
        help_text="By the calendar of the service in its region; empty without one.",
    )
    service = models.ForeignKey(
        Service,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="incidents",
        help_text="Empty for incidents that wait in the triage queue.",
    )
    component = models.ForeignKey(
        Component,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="incidents",
        help_text="What has failed; the type says on which kinds it may be raised.",
    )
    type = models.ForeignKey(
        TaxonomyValue, models.PROTECT, null=True, blank=True, related_name="incidents_of_type"
    )
    category = models.ForeignKey(
        TaxonomyValue, models.PROTECT, null=True, blank=True, related_name="incidents_of_category"
    )
    closure_code = models.ForeignKey(
        TaxonomyValue, models.PROTECT, null=True, blank=True, related_name="incidents_closed_so"
    )
    cause_code = models.ForeignKey(
        TaxonomyValue, models.PROTECT, null=True, blank=True, related_name="incidents_caused_so"
    )
    tags: "models.Field[Any, Any]" = ArrayField(
        models.SlugField(max_length=60), default=list, blank=True
    )
    team = models.ForeignKey(Team, models.PROTECT, related_name="incidents")
    unit = models.ForeignKey(BusinessUnit, models.PROTECT, related_name="incidents")
    is_restricted = models.BooleanField("restricted", default=False)
    source = models.CharField(
        max_length=10, choices=Source.choices, default=Source.PERSON, editable=False
    )
    acknowledged_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    detected_at = models.DateTimeField(null=True, blank=True, editable=False)
    reported_at = models.DateTimeField(null=True, blank=True, editable=False)
    acknowledged_at = models.DateTimeField(null=True, blank=True, editable=False)
    mitigated_at = models.DateTimeField(null=True, blank=True, editable=False)
    restored_at = models.DateTimeField(null=True, blank=True, editable=False)
    resolved_at = models.DateTimeField(null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    reopened_count = models.PositiveSmallIntegerField(default=0, editable=False)
    opened_at = models.DateTimeField(default=clock.now, editable=False)
    search = models.GeneratedField(
        expression=SearchVector("title", config="english", weight="A")
        + SearchVector("description", config="english", weight="B"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects: ClassVar = IncidentQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        permissions = [("view_incident", "Can see this restricted incident")]
        indexes = [
            models.Index(fields=["service", "-id"], name="incident_service"),
            models.Index(fields=["team", "-id"], name="incident_team"),
            models.Index(
                fields=["severity", "-id"],
                name="incident_open",
                condition=Q(state__in=OPEN_STATES),
            ),
            models.Index(fields=["resolved_at"], name="incident_resolved"),
            GinIndex(fields=["search"], name="incident_search"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="incident_number_unique"),
            models.UniqueConstraint(fields=["reference"], name="incident_reference_unique"),
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="incident_state_known"
            ),
            models.CheckConstraint(
                condition=Q(severity__in=Severity.values, level__in=Level.values),
                name="incident_severity_known",
            ),
            models.CheckConstraint(
                condition=Q(computed_severity__in=["", *Severity.values]),
                name="incident_computed_severity_known",
            ),
            models.CheckConstraint(
                condition=(Q(users_affected__isnull=True) | Q(users_affected__gte=0))
                & (Q(revenue_per_hour__isnull=True) | Q(revenue_per_hour__gte=0)),
                name="incident_impact_not_negative",
                violation_error_code="incident_impact_not_negative",
                violation_error_message="Users and revenue are counted from 0 up.",
            ),
            models.CheckConstraint(
                condition=Q(exposure__in=["", *Exposure.values])
                & Q(data_sensitivity__in=["", *DataSensitivity.values]),
                name="incident_impact_known",
            ),
            models.CheckConstraint(
                condition=~Q(title=""),
                name="incident_has_title",
                violation_error_code="incident_has_title",
                violation_error_message="Give the incident a title.",
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_at__isnull=True, acknowledged_by__isnull=True)
                | Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False),
                name="incident_ack_has_person",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[State.RESOLVED, State.CLOSED])
                | Q(resolved_at__isnull=False),
                name="incident_resolved_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.CLOSED) | Q(closed_at__isnull=False),
                name="incident_closed_has_time",
            ),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True)
                | Q(started_at__isnull=True)
                | Q(resolved_at__gte=F("started_at")),
                name="incident_resolved_after_start",
                violation_error_code="incident_resolved_after_start",
                violation_error_message="An incident can't be resolved before it started.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.title}"

    @property
    def is_open(self) -> bool:
        """Not resolved, closed or cancelled."""
        return self.state in OPEN_STATES

    def times(self) -> dict[str, datetime.datetime | None]:
        """The effective key times, by name."""
        return {which.value: getattr(self, f"{which}_at") for which in KeyTime}


class KeyTime(models.TextChoices):
    """The instants that measure an incident."""

    STARTED = "started", "Started"
    DETECTED = "detected", "Detected"
    REPORTED = "reported", "Reported"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    MITIGATED = "mitigated", "Mitigated"
    RESTORED = "restored", "Restored"
    RESOLVED = "resolved", "Resolved"
    CLOSED = "closed", "Closed"


class KeyTimeClaimQuerySet(AppendOnlyQuerySet["KeyTimeClaim"]):
    """Claims, by what one may see."""

    def visible_to(self, user: "User") -> Self:
        """The claims about incidents that the user sees."""
        return self.filter(visible_records(user, self.model))


class KeyTimeClaim(AppendOnly):
    """Somebody, or some tool, says when it was. All claims stay; one is effective."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="time_claims")
    which = models.CharField(max_length=15, choices=KeyTime.choices)
    at: "models.DateTimeField[str | datetime.datetime, datetime.datetime]" = models.DateTimeField()
    source = models.CharField(max_length=80)
    reliability = models.CharField(
        max_length=10, choices=Reliability.choices, default=Reliability.CONFIRMED
    )
    claimed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    claimed_at = models.DateTimeField(default=clock.now)
    reason = models.TextField(blank=True)

    objects: ClassVar = KeyTimeClaimQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["incident", "which"], name="claim_incident")]

    def __str__(self) -> str:
        return f"{self.which} at {self.at:%Y-%m-%d %H:%M} says {self.source}"

    @property
    def is_effective(self) -> bool:
        """True where the incident goes by this instant."""
        return bool(getattr(self.incident, f"{self.which}_at") == self.at)


may_be_restricted(Incident, name="reference")
mask(Incident, IMPACT_READERS, "revenue_per_hour", "data_sensitivity", "is_regulatory")
hangs_on(KeyTimeClaim, Incident, "incident")
register_verbs(Incident, NEEDS)
register_verbs(KeyTimeClaim, {"view": level(AccessLevel.VIEW)})
