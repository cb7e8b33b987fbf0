"""Reports, the table that qualifies them, each decision, and what they were turned into."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from config import clock
from config.access.restricted import hangs_on
from config.access.rules import Level as AccessLevel
from config.access.rules import level
from config.access.visibility import register_verbs, visible_records
from config.audit.tracking import AppendOnly, AppendOnlyQuerySet, Tracked, TrackedQuerySet
from config.conditions.fields import ConditionField
from config.governance.models import PolicyVersion
from config.organisation.models import BusinessUnit, Team, User
from incidents.catalog.models import Service
from incidents.intake.rules import NEEDS, PREFIXES, Outcome
from incidents.lifecycle.models import Incident
from incidents.taxonomy.models import Level


class OutcomeChoice(models.TextChoices):
    """What a report turns out to be."""

    INCIDENT = Outcome.INCIDENT, "Incident"
    SERVICE_REQUEST = Outcome.SERVICE_REQUEST, "Service request"
    PROBLEM = Outcome.PROBLEM, "Problem"
    CHANGE = Outcome.CHANGE, "Change"
    ROUTINE = Outcome.ROUTINE, "Routine operation"
    DUPLICATE = Outcome.DUPLICATE, "Duplicate"


WORK_KINDS = tuple(str(kind) for kind in PREFIXES)


class QualificationVersion(PolicyVersion):
    """A version of the table that says what a report is: its first row that matches decides."""

    policy_kind: ClassVar[str] = "qualification"
    parts: ClassVar[tuple[str, ...]] = ("rules",)

    otherwise = models.CharField(
        "where no row matches",
        max_length=20,
        choices=OutcomeChoice.choices,
        default=OutcomeChoice.INCIDENT,
    )

    class Meta:
        default_permissions = ()


class QualificationRule(Tracked):
    """One row of the table. `line` is its identity."""

    table = models.ForeignKey(QualificationVersion, models.CASCADE, related_name="rules")
    line = models.CharField(max_length=40)
    position = models.PositiveSmallIntegerField(
        help_text="The first row that matches decides, lowest position first."
    )
    outcome = models.CharField(max_length=20, choices=OutcomeChoice.choices)
    conditions = ConditionField(subject="report")
    note = models.CharField(max_length=200, blank=True, help_text="Why this row is there.")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["table", "position"],
                name="qualification_position_unique",
                violation_error_code="qualification_position_unique",
                violation_error_message="Two rows have this position; give each its own.",
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=OutcomeChoice.values), name="qualification_outcome_known"
            ),
        ]

    def __str__(self) -> str:
        return f"Row {self.position}: {OutcomeChoice(self.outcome).label}"


class WorkQuerySet(TrackedQuerySet["WorkRecord"]):
    """Work that is no incident, by what one may see."""

    def visible_to(self, user: User) -> Self:
        """That of the user's containers."""
        return self.filter(visible_records(user, self.model))


class WorkRecord(Tracked):
    """A service request, problem, change or routine operation: no SLA clock runs on it."""

    kind = models.CharField(max_length=20, choices=OutcomeChoice.choices)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    service = models.ForeignKey(
        Service, models.PROTECT, null=True, blank=True, related_name="work_records"
    )
    team = models.ForeignKey(Team, models.PROTECT, related_name="work_records")
    unit = models.ForeignKey(BusinessUnit, models.PROTECT, related_name="work_records")
    handoffs = models.PositiveSmallIntegerField("hand-offs", default=0)
    opened_at = models.DateTimeField(default=clock.now)

    objects: ClassVar = WorkQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=WORK_KINDS), name="work_kind_known")
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.title}"

    @property
    def reference(self) -> str:
        """Its public name."""
        return f"{PREFIXES[self.kind]}-{self.pk:06d}"


class ItemState(models.TextChoices):
    """How far a report has come."""

    OPEN = "open", "Open"
    CONVERTED = "converted", "Converted"


class ItemQuerySet(TrackedQuerySet["IntakeItem"]):
    """Reports, by what one may see."""

    def visible_to(self, user: User) -> Self:
        """Those of the user's containers."""
        return self.filter(visible_records(user, self.model))


class IntakeItem(Tracked):
    """A report with its recorded answers, what the table made of them, and what was decided."""

    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    service = models.ForeignKey(
        Service, models.PROTECT, null=True, blank=True, related_name="intake_items"
    )
    team = models.ForeignKey(Team, models.PROTECT, related_name="intake_items")
    unit = models.ForeignKey(BusinessUnit, models.PROTECT, related_name="intake_items")
    level = models.CharField(
        max_length=10,
        choices=Level.choices,
        blank=True,
        db_default="",
        editable=False,
        help_text="What a tool says of it, where an alert was taken in.",
    )
    reported_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    reported_at = models.DateTimeField(default=clock.now, editable=False)
    is_interrupted = models.BooleanField("a service is interrupted", null=True, blank=True)
    slowdown_percent = models.PositiveIntegerField(
        "slower than the baseline by (%)", null=True, blank=True
    )
    is_standard_request = models.BooleanField("it is a standard request", null=True, blank=True)
    is_support_tried = models.BooleanField("support was tried already", null=True, blank=True)
    is_sla_covered = models.BooleanField("an SLA covers it", null=True, blank=True)
    is_planned_change = models.BooleanField("a change is wanted", null=True, blank=True)
    is_recurring = models.BooleanField("it comes back again and again", null=True, blank=True)
    duplicate_of = models.ForeignKey(
        Incident, models.PROTECT, null=True, blank=True, related_name="duplicate_reports"
    )
    state = models.CharField(
        max_length=10, choices=ItemState.choices, default=ItemState.OPEN, editable=False
    )
    table_version = models.ForeignKey(
        PolicyVersion, models.PROTECT, null=True, related_name="+", editable=False
    )
    table_answer = models.CharField(
        "answer of the table", max_length=20, choices=OutcomeChoice.choices, editable=False
    )
    outcome = models.CharField(max_length=20, choices=OutcomeChoice.choices, editable=False)
    handoffs = models.PositiveSmallIntegerField("hand-offs", default=0, editable=False)

    objects: ClassVar = ItemQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=ItemState.values)
                & Q(table_answer__in=OutcomeChoice.values)
                & Q(outcome__in=OutcomeChoice.values),
                name="intake_item_known",
            ),
            models.CheckConstraint(
                condition=Q(level__in=["", *Level.values]), name="intake_item_level_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.title}"

    @property
    def reference(self) -> str:
        """Its public name."""
        return f"REP-{self.pk:06d}"


class QualificationDecision(AppendOnly):
    """What the table said of the answers, by which row and why; and what a person made of it."""

    item = models.ForeignKey(IntakeItem, models.PROTECT, related_name="decisions")
    version = models.ForeignKey(PolicyVersion, models.PROTECT, null=True, related_name="+")
    line = models.CharField(max_length=40, blank=True)
    findings = models.JSONField(default=list)
    answers = models.JSONField(default=dict)
    tolerance_percent = models.PositiveIntegerField()
    table_answer = models.CharField(max_length=20, choices=OutcomeChoice.choices)
    outcome = models.CharField(max_length=20, choices=OutcomeChoice.choices)
    reason = models.TextField(blank=True)
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=clock.now)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome=models.F("table_answer")) | ~Q(reason=""),
                name="qualification_override_has_reason",
                violation_error_code="qualification_override_has_reason",
                violation_error_message="Say why the table's answer isn't followed.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.item.reference}: {self.outcome}"


class ConversionQuerySet(AppendOnlyQuerySet["Conversion"]):
    """Conversions, by what one may see."""

    def visible_to(self, user: User) -> Self:
        """Those of incidents that the user sees; reports tell of theirs themselves."""
        return self.filter(visible_records(user, self.model))


class Conversion(AppendOnly):
    """The work has moved: from a report or an incident into the record that goes on.

    From a report, `incident` or `work` is the target; from an incident, `work` is.
    """

    item = models.OneToOneField(IntakeItem, models.PROTECT, null=True, related_name="conversion")
    incident = models.ForeignKey(Incident, models.PROTECT, null=True, related_name="conversions")
    work = models.OneToOneField(WorkRecord, models.PROTECT, null=True, related_name="origin")
    outcome = models.CharField(max_length=20, choices=OutcomeChoice.choices)
    reason = models.TextField(blank=True)
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=clock.now)

    objects: ClassVar = ConversionQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["incident"],
                condition=Q(item__isnull=True),
                name="conversion_incident_once",
                violation_error_code="conversion_incident_once",
                violation_error_message="This incident was converted already.",
            ),
            models.CheckConstraint(
                condition=Q(item__isnull=True, incident__isnull=False, work__isnull=False)
                | Q(item__isnull=False, incident__isnull=False, work__isnull=True)
                | Q(item__isnull=False, incident__isnull=True, work__isnull=False),
                name="conversion_has_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"To {OutcomeChoice(self.outcome).label.lower()}"

    @property
    def target(self) -> str:
        """The reference of the record that goes on."""
        record = self.work or self.incident
        return record.reference if record is not None else ""


hangs_on(IntakeItem, Incident, "duplicate_of", inherits=False)
hangs_on(QualificationDecision, Incident, "item__duplicate_of", inherits=False)
hangs_on(Conversion, Incident, "incident")
register_verbs(IntakeItem, NEEDS)
register_verbs(WorkRecord, {"view": level(AccessLevel.VIEW)})
register_verbs(Conversion, {"view": level(AccessLevel.VIEW)})
register_verbs(Incident, {"convert": level(AccessLevel.COMMAND)})
