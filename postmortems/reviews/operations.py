"""Owing, holding, publishing and waiving reviews."""

import datetime

from django.db import transaction

from config import clock
from config.audit.tracking import lock
from config.due.operations import cancel, schedule
from config.errors import FourEyes, HumanRequired, Invalid, Stale, TransitionRefused
from config.governance.in_force import setting, setting_version
from config.organisation.models import User
from incidents.lifecycle.models import Incident
from incidents.timeline.operations import record as record_on_timeline
from postmortems.reviews import rules
from postmortems.reviews.models import TRANSITIONS, Review, ReviewState

REMIND = "review.remind"
OVERDUE = "review.overdue"


def is_owed(incident: Incident) -> bool:
    """Whether the incident must have a review: derived from its severity and the policy."""
    mandatory = setting("postmortem.mandatory_severities", unit=incident.unit)
    return rules.is_mandatory(incident.severity, mandatory)


@transaction.atomic
def owe_review(incident: Incident) -> Review | None:
    """Note the duty that follows from the resolution. Idempotent.

    A review that is still owed moves with a later resolution; one that exists otherwise stays.
    """
    lock(incident)
    if incident.resolved_at is None or not is_owed(incident):
        return None
    due = rules.due_at(
        incident.resolved_at,
        incident.severity,
        setting("postmortem.due_hours", unit=incident.unit),
    )
    review = Review.objects.filter(incident=incident).first()
    if review is not None and (review.state != ReviewState.OWED or review.due_at == due):
        return review
    return _set_due(review or Review(incident=incident, due_at=due), due)


def _set_due(review: Review, due: datetime.datetime) -> Review:
    system = User.objects.system()
    review.due_at = due
    review.due_version = setting_version("postmortem.due_hours", unit=review.incident.unit)
    review.overdue_at = None
    review.save_as(system, reason="The incident was resolved")
    cancel(REMIND, review)
    for number, moment in enumerate(rules.reminder_times(due, clock.now()), start=1):
        schedule(REMIND, review, moment, key=f"review:{review.pk}:{number}")
    schedule(OVERDUE, review, due)
    record_on_timeline(
        review.incident,
        "review.owed",
        actor=system,
        text=f"A review is owed by {due:%Y-%m-%d %H:%M} UTC",
        review_id=review.pk,
    )
    return review


@transaction.atomic
def edit_review(
    review: Review,
    *,
    actor: User,
    summary: str | None = None,
    facilitator: User | None = None,
    revision: int | None = None,
) -> Review:
    """Write the summary, name the facilitator. Published reviews stay as they are."""
    _lock(review)
    if revision is not None and revision != review.revision:
        raise Stale("Somebody changed this review meanwhile; load it again.")
    if review.state == ReviewState.PUBLISHED:
        raise TransitionRefused("A published review can't be changed.", allowed=[])
    if summary is not None:
        review.summary = summary
    if facilitator is not None:
        review.facilitator = facilitator
    review.save_as(actor, "summary", "facilitator")
    _record(review, "review.edited", actor, "Review edited")
    return review


@transaction.atomic
def hold(
    review: Review, *, actor: User, summary: str = "", at: datetime.datetime | None = None
) -> Review:
    """The review took place. Raises `Invalid` without a summary or for a time in the future."""
    _require_person(actor)
    _move(review, ReviewState.HELD)
    review.summary = summary.strip() or review.summary
    if not review.summary:
        raise Invalid("Write what was learnt before you mark the review as held.", field="summary")
    moment = at or clock.now()
    if moment > clock.now():
        raise Invalid("The review can't have been held in the future.", field="at")
    if review.incident.resolved_at and moment < review.incident.resolved_at:
        raise Invalid("The review can't have been held before the resolution.", field="at")
    review.held_at = moment
    review.facilitator = review.facilitator or actor
    review.save_as(actor, "state", "summary", "held_at", "facilitator")
    _settle(review)
    _record(review, "review.held", actor, "The review was held", at=moment)
    return review


@transaction.atomic
def publish(review: Review, *, actor: User) -> Review:
    """Publish what was learnt. A second person reads it first: not the facilitator (four eyes)."""
    _require_person(actor)
    _move(review, ReviewState.PUBLISHED)
    if review.facilitator_id == actor.pk:
        raise FourEyes(
            "Somebody else than the facilitator publishes the review, after reading it.",
            audit=True,
        )
    review.published_at = clock.now()
    review.save_as(actor, "state", "published_at")
    _record(review, "review.published", actor, "The review was published")
    return review


@transaction.atomic
def waive(review: Review, *, actor: User, reason: str) -> Review:
    """Compliance decides that no review is needed, and says why."""
    _require_person(actor)
    _move(review, ReviewState.WAIVED)
    if not reason.strip():
        raise Invalid("Say why no review is needed; auditors will read it.", field="reason")
    review.waived_at = clock.now()
    review.waiver_reason = reason.strip()
    review.save_as(actor, "state", "waived_at", "waiver_reason", reason=reason)
    _settle(review)
    _record(review, "review.waived", actor, f"The review was waived: {reason.strip()}")
    return review


def mark_overdue(review: Review) -> None:
    """The due time has come, and the review wasn't held. Idempotent."""
    if review.state != ReviewState.OWED or review.overdue_at or review.due_at > clock.now():
        return
    system = User.objects.system()
    review.overdue_at = clock.now()
    review.save_as(system, "overdue_at")
    _record(review, "review.overdue", system, "The review is overdue")


def _lock(review: Review) -> None:
    # The incident is the root: it is locked first, always.
    lock(review.incident)
    lock(review)


def _move(review: Review, target: ReviewState) -> None:
    _lock(review)
    allowed = TRANSITIONS[review.state]
    if target not in allowed:
        raise TransitionRefused(
            f"This review is {review.get_state_display().lower()}; "
            f"it can't become {target.label.lower()}.",
            allowed=allowed,
        )
    review.state = target


def _require_person(actor: User) -> None:
    if not actor.is_person:
        raise HumanRequired("Only a person can decide about a review.", audit=True)


def _settle(review: Review) -> None:
    cancel(REMIND, review)
    cancel(OVERDUE, review)


def _record(
    review: Review, kind: str, actor: User, text: str, *, at: datetime.datetime | None = None
) -> None:
    record_on_timeline(review.incident, kind, actor=actor, text=text, at=at, review_id=review.pk)
