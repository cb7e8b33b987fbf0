"""The job that opens the review of each quarter."""

import datetime

from django.urls import reverse

from compliance.governance_reviews.models import FeedbackItem, GovernanceReview
from compliance.governance_reviews.operations import open_review
from config.due.jobs import job
from config.errors import Blocker
from config.events.operations import guard
from config.metrics import Samples, metric


@job("governance_review", every="quarterly")
def governance_review(as_of: datetime.datetime) -> str:
    """Open it; again in the same quarter it does nothing. The quarter that was opened."""
    return open_review(as_of).quarter


@guard("governance_review.close")
def answers_first(review: GovernanceReview) -> list[Blocker]:
    """No review ends while somebody waits for an answer."""
    return [
        Blocker(
            "feedback_unanswered",
            f"Feedback {item.pk} waits for an answer: {item}",
            reverse("admin:compliance_feedbackitem_change", args=[item.pk]),
        )
        for item in review.feedback.pending().order_by("pk")
    ]


@metric("feedback_pending", "Feedback on rules that nobody has answered.")
def feedback_pending() -> Samples:
    """All of it."""
    return [((), FeedbackItem.objects.pending().count())]
