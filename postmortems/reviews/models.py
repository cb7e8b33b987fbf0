"""The review that an incident owes: one row, from the duty to its publication."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from config import clock
from config.access.restricted import hangs_on
from config.access.rules import Level, Need, Role, level
from config.access.visibility import register_verbs, visible_records
from config.audit.tracking import Tracked, TrackedQuerySet
from config.governance.models import PolicyVersion
from config.organisation.models import User
from incidents.lifecycle.models import Incident


class ReviewState(models.TextChoices):
    """Where a review stands."""

    OWED = "owed", "Owed"
    HELD = "held", "Held"
    PUBLISHED = "published", "Published"
    WAIVED = "waived", "Waived"


TRANSITIONS: dict[str, tuple[str, ...]] = {
    ReviewState.OWED: (ReviewState.HELD, ReviewState.WAIVED),
    ReviewState.HELD: (ReviewState.PUBLISHED,),
    ReviewState.PUBLISHED: (),
    ReviewState.WAIVED: (),
}


class ReviewQuerySet(TrackedQuerySet["Review"]):
    """Reviews, by what one may see, by state and by time."""

    def visible_to(self, user: User) -> Self:
        """Those of incidents that the user can see."""
        return self.filter(visible_records(user, self.model))

    def owed(self) -> Self:
        """Not held, published or waived."""
        return self.filter(state=ReviewState.OWED)

    def overdue(self) -> Self:
        """Owed beyond their time."""
        return self.owed().filter(due_at__lte=clock.now())


class Review(Tracked):
    """A blameless review of one incident, due on clock time from its resolution."""

    incident = models.OneToOneField(Incident, models.PROTECT, related_name="review")
    state = models.CharField(
        max_length=10, choices=ReviewState.choices, default=ReviewState.OWED, editable=False
    )
    due_at = models.DateTimeField("due", editable=False)
    due_version = models.ForeignKey(
        PolicyVersion,
        models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
        help_text="The version of postmortem.due_hours that set the time.",
    )
    facilitator = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    summary = models.TextField(
        blank=True, help_text="What happened and what was learnt; roles, not names."
    )
    overdue_at = models.DateTimeField(null=True, blank=True, editable=False)
    held_at = models.DateTimeField(null=True, blank=True, editable=False)
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    waived_at = models.DateTimeField(null=True, blank=True, editable=False)
    waiver_reason = models.TextField(blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects: ClassVar = ReviewQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["due_at"], name="review_owed", condition=Q(state=ReviewState.OWED))
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=ReviewState.values), name="review_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[ReviewState.HELD, ReviewState.PUBLISHED])
                | Q(held_at__isnull=False),
                name="review_held_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=ReviewState.PUBLISHED) | Q(published_at__isnull=False),
                name="review_published_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=ReviewState.WAIVED)
                | Q(waived_at__isnull=False) & ~Q(waiver_reason=""),
                name="review_waived_has_reason",
                violation_error_code="review_waived_has_reason",
                violation_error_message="A waiver needs a reason.",
            ),
        ]

    def __str__(self) -> str:
        return f"Review of {self.incident.reference}"

    @property
    def is_overdue(self) -> bool:
        """Owed beyond its time."""
        return self.state == ReviewState.OWED and self.due_at <= clock.now()


hangs_on(Review, Incident, "incident")
register_verbs(
    Review,
    {
        "view": level(Level.VIEW),
        "edit": level(Level.RESPOND),
        "hold": Need(level=Level.COMMAND, roles=frozenset({Role.REVIEW_FACILITATOR})),
        "publish": Need(level=Level.COMMAND, roles=frozenset({Role.REVIEW_FACILITATOR})),
        "waive": Need(roles=frozenset({Role.COMPLIANCE_OFFICER})),
    },
)
