"""The quarterly review of the rules: feedback goes in, and none stays without an answer."""

import datetime
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from compliance.governance_reviews.models import (
    FeedbackItem,
    GovernanceReview,
    Outcome,
    ReviewState,
)
from compliance.governance_reviews.operations import close, decide, give_feedback, open_review
from config.access.rules import Role
from config.due.jobs import run
from config.errors import Blocked, HumanRequired, Invalid, Refused
from config.events.models import Event
from config.organisation.models import Team, User
from tests.config import make

OCTOBER = datetime.datetime(2026, 10, 1, 3, tzinfo=datetime.UTC)
FEEDBACK = "/api/v1/feedback/"
REVIEWS = "/api/v1/governance-reviews/"


@pytest.fixture
def vera(database: None) -> User:
    """Approves policies."""
    person = make.user("vera", name="Vera Voss")
    make.role(Role.POLICY_APPROVER, to=person)
    return person


@pytest.mark.check("CMP-01.3")
def test_opens_with_what_waits_and_does_not_close_before_it_is_answered(
    bob: User, vera: User
) -> None:
    given = make.api(bob).post(FEEDBACK, {"text": "SEV2 pages too many.", "voice": "responder"})
    assert (given.status_code, given.json()["review"]) == (201, None)

    run("governance_review", OCTOBER)
    run("governance_review", OCTOBER + datetime.timedelta(days=40))

    review = GovernanceReview.objects.get()
    item = review.feedback.get()
    assert (review.quarter, review.state, item.outcome) == ("2026-Q4", "open", "pending")
    page = f"{REVIEWS}{review.pk}/"
    early = make.api(vera).post(f"{page}close/", {"conclusion": "Fine"})
    assert early.status_code == 409
    (blocker,) = early.json()["blockers"]
    assert blocker["code"] == "feedback_unanswered"
    assert str(item.pk) in blocker["text"]
    review.refresh_from_db()
    assert review.state == ReviewState.OPEN

    told = {"outcome": "change", "answer": "Draft 4 raises the threshold."}
    assert make.api(vera).post(f"{FEEDBACK}{item.pk}/decide/", told).status_code == 200
    late = make.api(vera).post(f"{page}close/", {"conclusion": "One rule changes."})
    assert (late.status_code, late.json()["closed_by"]) == (200, "vera")
    review.refresh_from_db()
    assert (review.state, review.conclusion) == (ReviewState.CLOSED, "One rule changes.")
    kinds = Event.objects.filter(kind__regex="feedback|governance_review").order_by("pk")
    assert [each.kind for each in kinds] == [
        *("feedback.given", "governance_review.opened"),
        *("feedback.answered", "governance_review.closed"),
    ]


@pytest.mark.check("CMP-01.3")
def test_says_on_its_page_what_stands_in_the_way(bob: User, vera: User) -> None:
    item = give_feedback(text="The hand-over rule fits no one in Asia.", actor=bob)
    review = open_review(OCTOBER)
    browser = make.browser(vera)
    address = reverse("admin:compliance_governancereview_change", args=[review.pk])

    page = browser.get(address).content.decode()
    assert f"Feedback {item.pk} waits for an answer" in page
    refused = browser.post(f"{address.removesuffix('change/')}do/close/", {"conclusion": "Done"})
    assert b"waits for an answer" in refused.content
    review.refresh_from_db()
    assert review.state == ReviewState.OPEN

    where = reverse("admin:compliance_feedbackitem_change", args=[item.pk])
    told = {"outcome": "keep", "answer": "The rota of Asia changes instead."}
    browser.post(f"{where.removesuffix('change/')}do/decide/", told)
    item.refresh_from_db()
    assert (item.outcome, item.answered_by) == (Outcome.KEEP, vera)
    browser.post(f"{address.removesuffix('change/')}do/close/", {"conclusion": "Done"})
    review.refresh_from_db()
    assert (review.state, review.closed_by) == (ReviewState.CLOSED, vera)


def test_takes_feedback_while_it_is_open_and_no_more_when_it_is_closed(
    bob: User, vera: User
) -> None:
    review = open_review(OCTOBER)
    early = give_feedback(text="First", actor=bob)
    decide(early, actor=vera, outcome=Outcome.WATCH, answer="Next quarter.")
    close(review, actor=vera, conclusion="Nothing changes.")
    late = give_feedback(text="Second", actor=bob)

    assert (early.review, late.review) == (review, None)
    following = open_review(OCTOBER + datetime.timedelta(days=92))
    late.refresh_from_db()
    assert (following.quarter, late.review) == ("2027-Q1", following)


def test_is_seen_by_those_who_answer_for_rules_and_ones_own_by_oneself(
    bob: User, alice: User, carol: User, vera: User, mallory: User, payments: Team
) -> None:
    item = give_feedback(text="Mine", actor=bob)
    review = open_review(OCTOBER)

    def seen(person: User) -> tuple[int, int]:
        client = make.api(person)
        return (
            client.get(f"{FEEDBACK}{item.pk}/").status_code,
            client.get(f"{REVIEWS}{review.pk}/").status_code,
        )

    assert [seen(each) for each in (bob, vera, carol)] == [(200, 404), (200, 200), (200, 200)]
    assert [seen(each) for each in (alice, mallory)] == [(404, 404), (404, 404)]
    assert make.api(bob).post(f"{FEEDBACK}{item.pk}/decide/", {}).status_code == 403
    assert FeedbackItem.objects.pending().count() == 1


def test_refuses_what_makes_no_answer(bob: User, vera: User) -> None:
    item = give_feedback(text="Why?", actor=bob)

    with pytest.raises(Invalid):
        decide(item, actor=vera, outcome=Outcome.PENDING, answer="Hm")
    with pytest.raises(Invalid):
        decide(item, actor=vera, outcome=Outcome.KEEP, answer="  ")
    with pytest.raises(HumanRequired):
        decide(item, actor=make.system(), outcome=Outcome.KEEP, answer="No")
    with pytest.raises(Invalid):
        give_feedback(text=" ", actor=bob)
    decide(item, actor=vera, outcome=Outcome.KEEP, answer="It works.")
    with pytest.raises(Refused, match="already"):
        decide(item, actor=vera, outcome=Outcome.CHANGE, answer="On second thoughts")
    item.refresh_from_db()
    assert item.outcome == Outcome.KEEP


def test_is_never_half_closed_not_even_by_sql(vera: User) -> None:
    review = open_review(OCTOBER)

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE compliance_governancereview SET state = 'closed' WHERE id = %s", [review.pk]
        )


def test_never_closes_on_feedback_that_comes_at_the_same_time(bob: User, vera: User) -> None:
    review = open_review(OCTOBER)

    def closes() -> None:
        try:
            close(GovernanceReview.objects.get(), actor=vera, conclusion="Done")
        except Blocked:
            return

    def gives() -> None:
        give_feedback(text="Just now", actor=bob)

    barrier = threading.Barrier(2)

    def together(act: Callable[[], None]) -> None:
        barrier.wait(10)
        try:
            act()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(together, (closes, gives)))

    review.refresh_from_db()
    item = FeedbackItem.objects.get()
    assert (review.state == ReviewState.OPEN) == (item.review_id == review.pk)
