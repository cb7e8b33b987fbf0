"""Giving feedback on rules, answering it, and opening and closing the quarter's review."""

import datetime

from django.db import transaction

from compliance.governance_reviews import rules
from compliance.governance_reviews.models import (
    FeedbackItem,
    GovernanceReview,
    Outcome,
    ReviewState,
    Voice,
)
from config import clock
from config.access.visibility import access_for
from config.audit.tracking import lock
from config.errors import Blocked, HumanRequired, Invalid, NotAllowed, Refused
from config.events.operations import blockers, record
from config.governance.models import Policy
from config.organisation.models import User


@transaction.atomic
def give_feedback(
    *, text: str, actor: User, voice: str = Voice.RESPONDER, policy: Policy | None = None
) -> FeedbackItem:
    """Say what of a rule works badly; it goes into the review that is open, else into the next.

    Raises `HumanRequired`, `NotAllowed` and `Invalid`.
    """
    if not actor.is_person:
        raise HumanRequired("Feedback on rules comes from people.")
    if not (actor.is_superuser or access_for(actor).holds(*rules.VOICES)):
        raise NotAllowed("Feedback comes from those who work under the rules.", audit=True)
    if not text.strip():
        raise Invalid("Say what works badly, and for whom.", field="text")
    # A review that is closed meanwhile must not get it any more.
    review = GovernanceReview.objects.open().select_for_update().order_by("quarter").last()
    item = FeedbackItem(
        text=text.strip(), voice=voice, policy=policy, given_by=actor, review=review
    )
    item.full_clean()
    item.save_as(actor)
    record("feedback.given", item, actor=actor, voice=voice)
    return item


@transaction.atomic
def decide(item: FeedbackItem, *, actor: User, outcome: str, answer: str) -> FeedbackItem:
    """Say what was decided on it, and why.

    Raises `HumanRequired`, `Invalid`, and `Refused` (`feedback_answered`).
    """
    lock(item)
    if not actor.is_person:
        raise HumanRequired("Only a person decides on feedback.", audit=True)
    if item.outcome != Outcome.PENDING:
        raise Refused("This feedback was answered already.", code="feedback_answered")
    if outcome not in Outcome.values or outcome == Outcome.PENDING:
        raise Invalid("Choose what was decided.", field="outcome")
    if not answer.strip():
        raise Invalid("Say what was decided, and why.", field="answer")
    item.outcome, item.answer = outcome, answer.strip()
    item.answered_by, item.answered_at = actor, clock.now()
    item.save_as(actor, "outcome", "answer", "answered_by", "answered_at")
    record("feedback.answered", item, actor=actor, outcome=outcome)
    return item


@transaction.atomic
def open_review(as_of: datetime.datetime) -> GovernanceReview:
    """The review of the quarter of that day, with all feedback that no review has yet.

    A second call in the quarter finds the first one's: the quarter is unique.
    """
    system = User.objects.system()
    quarter = rules.quarter_of(as_of.date())
    review = GovernanceReview.objects.filter(quarter=quarter).first()
    if review is not None:
        return review
    review = GovernanceReview(quarter=quarter)
    review.full_clean()
    review.save_as(system)
    waiting = FeedbackItem.objects.pending().filter(review=None).select_for_update().order_by("pk")
    for item in waiting:
        item.review = review
        item.save_as(system, "review")
    record("governance_review.opened", review, actor=system, quarter=quarter, items=len(waiting))
    return review


@transaction.atomic
def close(review: GovernanceReview, *, actor: User, conclusion: str) -> GovernanceReview:
    """End the review, with what came of it.

    Raises `HumanRequired`, `Invalid`, `Refused` (`governance_review_closed`), and `Blocked`,
    which names each item that waits for an answer (`feedback_unanswered`).
    """
    lock(review)
    if not actor.is_person:
        raise HumanRequired("Only a person closes a review.", audit=True)
    if review.state == ReviewState.CLOSED:
        raise Refused("This review is closed.", code="governance_review_closed")
    if waiting := blockers("governance_review.close", review):
        raise Blocked("Feedback waits for an answer.", blockers=waiting)
    if not conclusion.strip():
        raise Invalid("Say what came of the review.", field="conclusion")
    review.state, review.conclusion = ReviewState.CLOSED, conclusion.strip()
    review.closed_by, review.closed_at = actor, clock.now()
    review.save_as(actor, "state", "conclusion", "closed_by", "closed_at")
    record("governance_review.closed", review, actor=actor, quarter=review.quarter)
    return review
