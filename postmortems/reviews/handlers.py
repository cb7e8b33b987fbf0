"""When reviews become owed, who is reminded, and why an incident can't be closed yet."""

import datetime

from django.conf import settings
from django.urls import reverse

from config import clock
from config.access.visibility import Access, let_in_to
from config.due.models import Channel, OutboundMessage, Timer
from config.due.operations import Outbound, Send, Skip, outbound, send_later, timer
from config.errors import Blocker
from config.events.models import Event
from config.events.operations import ask, guard, on
from config.metrics import Samples, metric
from config.organisation.models import User
from incidents.lifecycle.models import Incident
from postmortems.reviews import operations
from postmortems.reviews.models import Review, ReviewState

DONE = (ReviewState.HELD, ReviewState.PUBLISHED, ReviewState.WAIVED)


@on("incident.resolved", name="postmortems.owe_review")
def owe(event: Event) -> None:
    """A resolution brings the duty to review."""
    incident = Incident.objects.filter(pk__in=[event.subject_id]).first()
    if incident is not None:
        operations.owe_review(incident)


@guard("incident.close")
def review_first(incident: Incident) -> list[Blocker]:
    """Closing waits for an obligatory review. Derives the duty itself, row or no row."""
    if not operations.is_owed(incident):
        return []
    review = Review.objects.filter(incident=incident).first()
    if review is not None and review.state in DONE:
        return []
    link = reverse("admin:postmortems_review_change", args=[review.pk]) if review else ""
    due = f" (due {review.due_at:%Y-%m-%d %H:%M} UTC)" if review else ""
    text = f"The obligatory review hasn't been held{due}. Hold it, or have compliance waive it."
    return [Blocker("review_missing", text, link)]


@timer(operations.REMIND)
def remind(row: Timer, review: Review) -> None:
    """Tell those who can hold it, while it is still owed."""
    if review.state == ReviewState.OWED:
        _tell(review, "review.reminder")


@timer(operations.OVERDUE)
def overdue(row: Timer, review: Review) -> None:
    """Mark it, and tell the people of the team and compliance."""
    operations.mark_overdue(review)
    if review.state == ReviewState.OWED:
        _tell(review, "review.overdue")


@metric("reviews_owed", "Reviews that are still owed.", "overdue")
def owed_reviews() -> Samples:
    """Without those of restricted incidents."""
    owed = Review.objects.owed().filter(incident__is_restricted=False)
    late = Review.objects.overdue().filter(incident__is_restricted=False).count()
    return [(("no",), owed.count() - late), (("yes",), late)]


def _tell(review: Review, purpose: str) -> None:
    """Mail those who can hold it; of a restricted incident only those who were let in."""
    for person in dict.fromkeys(_holders(review)):
        if person.email and not Access(person).conceals(review):
            send_later(
                purpose, review, channel=Channel.MAIL, address=person.email, person_id=person.pk
            )


def _holders(review: Review) -> list[User]:
    incident = review.incident
    people = User.objects.people()
    leads = people.filter(memberships__team_id=incident.team_id, memberships__is_lead=True)
    found = [*leads, *ask("oncall.now", default=[], team_id=incident.team_id)]
    if incident.is_restricted:
        found += people.filter(pk__in=let_in_to(incident)).order_by("pk")
    return found if review.facilitator is None else [review.facilitator, *found]


def _mail(message: OutboundMessage) -> Send | Skip:
    review = Review.objects.select_related("incident__service").filter(pk=message.root_id).first()
    if review is None or review.state != ReviewState.OWED:
        return Skip("the review isn't owed any more")
    person = User.objects.filter(pk=message.data.get("person_id")).first()
    if person is not None and Access(person).conceals(review):
        return Skip(f"{person} may not see the incident any more")
    late = review.due_at <= clock.now()
    when = "is overdue" if late else f"is due in {_span(review.due_at - clock.now())}"
    incident = review.incident
    what = "" if incident.is_restricted else f": {incident.title}"
    link = settings.BASE_URL + reverse("admin:postmortems_review_change", args=[review.pk])
    return Send(
        subject=f"Review of {incident.reference} {when}{what}",
        text=(
            f"The review of {incident.reference}{what} {when} "
            f"({review.due_at:%Y-%m-%d %H:%M} UTC).\n\n{link}\n"
        ),
    )


def _span(left: datetime.timedelta) -> str:
    hours = round(left.total_seconds() / 3600)
    return f"{hours} hours" if hours != 1 else "an hour"


outbound("review.reminder", Outbound(prepare=_mail))
outbound("review.overdue", Outbound(prepare=_mail))
