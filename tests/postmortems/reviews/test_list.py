"""The list of reviews begins with what is owed."""

import datetime

import pytest

from config import clock
from config.due.worker import run_due
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.operations import resolve
from incidents.taxonomy.models import Level
from postmortems.reviews import operations
from postmortems.reviews.models import Review
from tests.config import make
from tests.incidents import make as make_incidents

pytestmark = pytest.mark.django_db
LIST = "/admin/postmortems/review/"


@pytest.fixture
def reviews(checkout: Service, alice: User) -> dict[str, Review]:
    """Of four incidents, resolved 40, 30, 20 and 10 days ago; the second and third are held."""
    found = {}
    for title, days in (("forgotten", 40), ("early", 30), ("late", 20), ("next", 10)):
        with clock.simulated(clock.now() - datetime.timedelta(days=days)):
            incident = make_incidents.incident(title, service=checkout, level=Level.CRITICAL)
            resolve(incident, actor=alice)
            run_due(clock.now())
        found[title] = Review.objects.get(incident=incident)
    for title in ("early", "late"):
        operations.hold(found[title], actor=alice, summary="Learnt.")
    return found


def listed(person: User, query: str = "") -> list[str]:
    page = make.browser(person).get(f"{LIST}{query}")
    return [review.incident.title for review in page.context["cl"].result_list]


def test_lists_the_most_overdue_first_and_what_is_over_last(
    reviews: dict[str, Review], alice: User
) -> None:
    assert listed(alice) == ["forgotten", "next", "late", "early"]


def test_has_a_queue_of_what_is_owed(reviews: dict[str, Review], alice: User) -> None:
    page = make.browser(alice).get(LIST)
    (queue,) = page.context["queues"]

    assert listed(alice, f"?{queue.query}") == ["forgotten", "next"]
    counts = make.browser(alice).get("/admin/queues/").json()
    assert counts[queue.key] == "2"
