"""One access by break-glass: who opened which record, until when, and what its review found."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from config import clock
from config.access.reach import also_granted
from config.access.visibility import Access, register_verbs
from config.audit.tracking import Tracked, TrackedQuerySet
from config.breakglass.rules import REVIEWERS, VERBS
from config.organisation.models import BusinessUnit, User


class Outcome(models.TextChoices):
    """What the review found."""

    JUSTIFIED = "justified", "Justified"
    UNJUSTIFIED = "unjustified", "Not justified"


class BreakGlassQuerySet(TrackedQuerySet["BreakGlass"]):
    """Accesses, by who may know of them, and by what is still owed."""

    def visible_to(self, user: User) -> Self:
        """One's own, and for compliance those of records in their units; nobody else's.

        A row names a restricted record by its reference, never by its title: so much compliance
        must know without being let in.
        """
        if not user.is_active:
            return self.none()
        if user.is_superuser:
            return self.all()
        reached = Access(user).holding(REVIEWERS)
        if reached.everything:
            return self.all()
        return self.filter(Q(person=user) | Q(unit__in=reached.units))

    def open_findings(self) -> Self:
        """Not reviewed yet, whether they run or have ended."""
        return self.filter(reviewed_at__isnull=True)


class BreakGlass(Tracked):
    """Somebody opened a restricted record into which nobody had let them."""

    person = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    record_type = models.CharField(max_length=100, editable=False)
    record_id = models.BigIntegerField(editable=False)
    record_name = models.CharField("record", max_length=100, editable=False)
    unit = models.ForeignKey(
        BusinessUnit, models.PROTECT, null=True, related_name="+", editable=False
    )
    reason = models.TextField(help_text="Why it can't wait until somebody lets you in.")
    opened_at = models.DateTimeField(default=clock.now, editable=False)
    until = models.DateTimeField(editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True, editable=False)
    finding = models.TextField(blank=True, editable=False)
    reviewed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    reviewed_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar = BreakGlassQuerySet.as_manager()

    class Meta:
        verbose_name = "break-glass access"
        verbose_name_plural = "break-glass accesses"
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["person", "until"], name="breakglass_running",
                condition=Q(ended_at__isnull=True),
            ),
            models.Index(
                fields=["id"], name="breakglass_finding", condition=Q(reviewed_at__isnull=True)
            ),
        ]  # fmt: skip
        constraints = [
            models.CheckConstraint(
                condition=~Q(reason=""),
                name="breakglass_has_reason",
                violation_error_code="breakglass_has_reason",
                violation_error_message="Say why it can't wait.",
            ),
            models.CheckConstraint(condition=Q(until__gt=F("opened_at")), name="breakglass_ends"),
            models.CheckConstraint(
                condition=Q(reviewed_at__isnull=True, reviewed_by__isnull=True, outcome="")
                | Q(
                    reviewed_at__isnull=False,
                    reviewed_by__isnull=False,
                    outcome__in=Outcome.values,
                    ended_at__isnull=False,
                ),
                name="breakglass_review_whole",
            ),
        ]

    def __str__(self) -> str:
        # Events and timers show it to people who may not know which record it was.
        return f"Break-glass {self.pk or 'access'} by {self.person}"

    @property
    def is_finding(self) -> bool:
        """True until somebody has reviewed it."""
        return self.reviewed_at is None


register_verbs(BreakGlass, VERBS)
# It ends by the clock, whether or not a worker runs.
also_granted(
    """SELECT ''::text, record_type, record_id FROM config_breakglass
    WHERE person_id = $1 AND ended_at IS NULL AND opened_at <= $2 AND until > $2"""
)
