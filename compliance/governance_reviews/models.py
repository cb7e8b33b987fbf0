"""Governance reviews, one a quarter, and the feedback that each has to answer."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q

from compliance.governance_reviews import rules
from config import clock
from config.access.visibility import access_for, register_verbs
from config.audit.tracking import Tracked, TrackedQuerySet
from config.governance.models import Policy
from config.organisation.models import User


class Voice(models.TextChoices):
    """In what part somebody speaks."""

    RESPONDER = "responder", "Responder"
    STAKEHOLDER = "stakeholder", "Stakeholder"


class Outcome(models.TextChoices):
    """What was decided on feedback."""

    PENDING = "pending", "Not answered yet"
    CHANGE = "change", "The rule is changed"
    KEEP = "keep", "The rule stays"
    WATCH = "watch", "Watched until the next review"


class ReviewState(models.TextChoices):
    """Where a governance review stands."""

    OPEN = "open", "Open"
    CLOSED = "closed", "Closed"


class GovernanceReviewQuerySet(TrackedQuerySet["GovernanceReview"]):
    """Reviews, by what one may see."""

    def visible_to(self, user: User) -> Self:
        """Those who answer for rules, and auditors: rules are the whole enterprise's."""
        return self if _governs(user) else self.none()

    def open(self) -> Self:
        """Not closed yet."""
        return self.filter(state=ReviewState.OPEN)


class GovernanceReview(Tracked):
    """One quarter's review of the rules (CMP-01): opened by a job, closed by people."""

    quarter = models.CharField(
        max_length=7, unique=True, editable=False, help_text="Such as 2026-Q4."
    )
    state = models.CharField(
        max_length=6, choices=ReviewState.choices, default=ReviewState.OPEN, editable=False
    )
    opened_at = models.DateTimeField(default=clock.now, editable=False)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    closed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    conclusion = models.TextField(blank=True, editable=False)

    objects: ClassVar = GovernanceReviewQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(state=ReviewState.OPEN, closed_at__isnull=True, closed_by__isnull=True)
                | Q(state=ReviewState.CLOSED, closed_at__isnull=False, closed_by__isnull=False),
                name="governance_review_closed_whole",
            )
        ]

    def __str__(self) -> str:
        return f"Governance review {self.quarter}"


class FeedbackItemQuerySet(TrackedQuerySet["FeedbackItem"]):
    """Feedback, by what one may see."""

    def visible_to(self, user: User) -> Self:
        """One's own; all of it to those who answer for rules, and to auditors."""
        if not user.is_active:
            return self.none()
        return self if _governs(user) else self.filter(given_by=user)

    def pending(self) -> Self:
        """Not answered yet."""
        return self.filter(outcome=Outcome.PENDING)


class FeedbackItem(Tracked):
    """What somebody who works under a rule, or depends on it, says of it."""

    text = models.TextField(help_text="What works badly, for whom, and what would be better.")
    voice = models.CharField("as", max_length=12, choices=Voice.choices, default=Voice.RESPONDER)
    policy = models.ForeignKey(
        Policy, models.PROTECT, null=True, blank=True, related_name="feedback",
        help_text="The rule that it is about, where it is about one.",
    )  # fmt: skip
    given_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    given_at = models.DateTimeField(default=clock.now, editable=False)
    review = models.ForeignKey(
        GovernanceReview, models.PROTECT, null=True, blank=True, related_name="feedback",
        editable=False,
    )  # fmt: skip
    outcome = models.CharField(
        max_length=8, choices=Outcome.choices, default=Outcome.PENDING, editable=False
    )
    answer = models.TextField(blank=True, editable=False)
    answered_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    answered_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar = FeedbackItemQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["review"], name="feedback_pending", condition=Q(outcome=Outcome.PENDING)
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    outcome=Outcome.PENDING, answer="", answered_by__isnull=True,
                    answered_at__isnull=True,
                )
                | (
                    ~Q(outcome=Outcome.PENDING)
                    & ~Q(answer="")
                    & Q(answered_by__isnull=False, answered_at__isnull=False)
                ),
                name="feedback_answered_whole",
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.text if len(self.text) <= 60 else f"{self.text[:60]}…"


def _governs(user: Any) -> bool:
    if not user.is_authenticated or not user.is_active:
        return False
    return bool(user.is_superuser or access_for(user).holds(*rules.READERS))


register_verbs(GovernanceReview, rules.REVIEW_NEEDS)
register_verbs(FeedbackItem, rules.FEEDBACK_NEEDS)
