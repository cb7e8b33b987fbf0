"""Holding, publishing and waiving a review, and closing the incident after it."""

import datetime

import pytest

from config import clock
from config.errors import Blocked, FourEyes, HumanRequired, Invalid, TransitionRefused
from config.events.models import Event
from config.organisation.models import User
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import close
from postmortems.reviews.models import Review, ReviewState
from postmortems.reviews.operations import edit_review, hold, publish
from tests.config import make
from tests.postmortems.conftest import NOON

LATER = NOON + datetime.timedelta(hours=20)


@pytest.fixture(autouse=True)
def later() -> object:
    """The day after."""
    with clock.simulated(LATER):
        yield


def test_refuses_to_close_before_the_review(grave: Incident, review: Review, alice: User) -> None:
    with pytest.raises(Blocked) as refusal:
        close(grave, actor=alice)

    assert [each["code"] for each in refusal.value.extra["blockers"]] == ["review_missing"]
    assert Incident.objects.get(pk=grave.pk).state == "resolved"


def test_refuses_to_close_where_the_row_is_not_written_yet(
    grave: Incident, review: Review, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = Review.objects.none()
    monkeypatch.setattr(Review.objects, "filter", lambda *args, **kwargs: nothing)

    with pytest.raises(Blocked):
        close(grave, actor=alice)


def test_lets_close_after_the_review(grave: Incident, review: Review, alice: User) -> None:
    hold(review, actor=alice, summary="The pool was too small.")

    close(grave, actor=alice)

    assert Incident.objects.get(pk=grave.pk).state == "closed"


def test_shows_the_blocker_before_the_button(grave: Incident, review: Review, alice: User) -> None:
    shown = make.api(alice).get(f"/api/v1/incidents/{grave.reference}/").json()
    page = make.browser(alice).get(f"/admin/incidents/incident/{grave.pk}/change/")

    assert [each["code"] for each in shown["blockers"]] == ["review_missing"]
    assert "The obligatory review hasn&#x27;t been held" in page.content.decode()


def test_needs_a_summary(review: Review, alice: User) -> None:
    with pytest.raises(Invalid) as refusal:
        hold(review, actor=alice)

    assert refusal.value.field == "summary"
    assert Review.objects.get().state == ReviewState.OWED


@pytest.mark.parametrize("hours", [-1, 21])
def test_refuses_an_impossible_time(review: Review, alice: User, hours: int) -> None:
    with pytest.raises(Invalid) as refusal:
        hold(review, actor=alice, summary="x", at=NOON + datetime.timedelta(hours=hours))

    assert refusal.value.field == "at"


def test_is_published_by_a_second_person(review: Review, alice: User, bob: User) -> None:
    hold(review, actor=alice, summary="The pool was too small.")

    with pytest.raises(FourEyes):
        publish(review, actor=alice)
    publish(review, actor=bob)

    stored = Review.objects.get()
    assert (stored.state, stored.facilitator, stored.published_at) == (
        ReviewState.PUBLISHED, alice, LATER,
    )  # fmt: skip


def test_binds_superusers_to_four_eyes(review: Review, root: User) -> None:
    hold(review, actor=root, summary="Mine")

    with pytest.raises(FourEyes):
        publish(review, actor=root)


def test_stays_as_published(review: Review, alice: User, bob: User) -> None:
    hold(review, actor=alice, summary="One")
    publish(review, actor=bob)

    with pytest.raises(TransitionRefused):
        edit_review(review, actor=alice, summary="Two")

    assert Review.objects.get().summary == "One"


def test_is_waived_by_compliance_with_a_reason(review: Review, lena: User, alice: User) -> None:
    address = f"/api/v1/reviews/{review.pk}/waive/"

    refused = make.api(alice).post(address, {"reason": "We are busy"})
    empty = make.api(lena).post(address, {"reason": " "})
    done = make.api(lena).post(address, {"reason": "Covered by INC-1"})

    assert (refused.status_code, empty.status_code, done.status_code) == (403, 400, 200)
    stored = Review.objects.get()
    assert (stored.state, stored.waiver_reason) == (ReviewState.WAIVED, "Covered by INC-1")
    assert Event.objects.filter(kind="review.waived", actor=lena).count() == 1


def test_is_never_decided_by_a_tool(review: Review) -> None:
    with pytest.raises(HumanRequired):
        hold(review, actor=make.service_account("bot"), summary="x")


@pytest.mark.parametrize("verb", ["hold", "publish", "waive"])
def test_is_unknown_to_strangers(review: Review, mallory: User, verb: str) -> None:
    client = make.api(mallory)

    answer = client.post(f"/api/v1/reviews/{review.pk}/{verb}/", {"reason": "x", "summary": "x"})

    assert answer.status_code == 404
    assert client.get("/api/v1/reviews/").json()["results"] == []
    assert client.get(f"/api/v1/reviews/{review.pk}/history/").status_code == 404
    assert make.browser(mallory).get(
        f"/admin/postmortems/review/{review.pk}/change/"
    ).status_code == 404  # fmt: skip


def test_is_read_but_not_written_by_auditors(review: Review, carol: User) -> None:
    client = make.api(carol)

    assert client.get(f"/api/v1/reviews/{review.pk}/").status_code == 200
    assert client.post(f"/api/v1/reviews/{review.pk}/hold/", {"summary": "x"}).status_code == 403


def test_tells_its_history(review: Review, alice: User) -> None:
    client = make.api(alice)
    client.post(f"/api/v1/reviews/{review.pk}/hold/", {"summary": "Learnt"})

    last = client.get(f"/api/v1/reviews/{review.pk}/history/").json()["results"][0]

    changed = {each["field"]: (each["old"], each["new"]) for each in last["changes"]}
    assert (last["actor"], last["origin"]) == ("alice", "api")
    assert changed["state"] == ("owed", "held")


def test_is_held_in_the_admin(review: Review, alice: User) -> None:
    browser = make.browser(alice)

    page = browser.get(f"/admin/postmortems/review/{review.pk}/change/")
    browser.post(f"/admin/postmortems/review/{review.pk}/do/hold/", {"summary": "Learnt"})

    assert page.status_code == 200
    assert Review.objects.get().state == ReviewState.HELD
