"""Which incidents owe a review, and by when."""

import datetime

import pytest

from config import clock
from config.access.operations import add_member
from config.access.rules import Role
from config.due.models import OutboundMessage, Timer
from config.due.worker import run_due
from config.governance.activation import activate
from config.governance.models import SettingVersion
from config.governance.operations import approve, propose, submit
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import reopen, resolve
from incidents.taxonomy.models import Level
from postmortems.reviews.models import Review, ReviewState
from postmortems.reviews.operations import owe_review
from tests.config import make
from tests.incidents import make as make_incidents
from tests.postmortems.conftest import NOON, resolved

HOUR = datetime.timedelta(hours=1)


def _shorten(hours: dict[str, int]) -> None:
    author, approver = make.user("yuki"), make.user("omar")
    make.role(Role.POLICY_AUTHOR, to=author)
    make.role(Role.POLICY_APPROVER, to=approver)
    draft = propose(
        SettingVersion,
        "postmortem.due_hours",
        actor=author,
        title="Due hours",
        values={"value": hours},
        reason="Shorter",
    )
    draft = submit(draft, actor=author)
    approve(draft, actor=approver, content_hash=draft.content_hash)
    activate(draft, actor=approver)


@pytest.mark.check("PM-01.1")
def test_is_due_by_severity_and_keeps_the_policy_it_began_with(
    checkout: Service, bob: User, alice: User
) -> None:
    sev1 = resolved(checkout, bob, Level.CRITICAL)
    sev2 = resolved(checkout, bob, Level.ERROR)
    with clock.simulated(NOON + HOUR):
        _shorten({"SEV1": 48, "SEV2": 24, "SEV3": 72, "SEV4": 72})
    with clock.simulated(NOON + 2 * HOUR):
        later = _resolved_now(checkout, bob)
    run_due(NOON + 2 * HOUR)

    reviews = make.api(alice).get("/api/v1/reviews/").json()["results"]
    due = {row["incident"]: row["due_at"] for row in reviews}
    assert (sev1.severity, sev2.severity, later.severity) == ("SEV1", "SEV2", "SEV2")
    assert due == {
        sev1.reference: "2026-03-12T12:00:00Z",
        sev2.reference: "2026-03-13T12:00:00Z",
        later.reference: "2026-03-11T14:00:00Z",
    }
    assert Review.objects.get(incident=sev2).due_at == NOON + 72 * HOUR


def _resolved_now(service: Service, actor: User) -> Incident:
    incident = make_incidents.incident(service=service, actor=actor, level=Level.ERROR)
    return resolve(incident, actor=actor)


def test_is_not_owed_by_a_lone_sev3(checkout: Service, bob: User) -> None:
    incident = resolved(checkout, bob, Level.WARNING)

    assert incident.severity == "SEV3"
    assert not Review.objects.exists()


def test_survives_ten_deliveries(grave: Incident, review: Review) -> None:
    before = review.revision, Timer.objects.count()

    with clock.simulated(NOON + HOUR):
        for _ in range(10):
            owe_review(grave)

    review.refresh_from_db()
    assert (review.revision, Timer.objects.count()) == before


def test_moves_with_a_later_resolution(grave: Incident, review: Review, alice: User) -> None:
    with clock.simulated(NOON + 3 * HOUR):
        reopen(grave, actor=alice, reason="It came back")
    with clock.simulated(NOON + 5 * HOUR):
        resolve(grave, actor=alice)
    run_due(NOON + 5 * HOUR)

    review.refresh_from_db()
    assert (review.state, review.due_at) == (ReviewState.OWED, NOON + 53 * HOUR)


def test_reminds_and_becomes_overdue_in_time(review: Review, payments) -> None:
    lead = make.user("lead")
    add_member(payments, lead, actor=make.system(), is_lead=True)

    run_due(NOON + 48 * HOUR)

    review.refresh_from_db()
    assert review.overdue_at == NOON + 48 * HOUR
    told = OutboundMessage.objects.filter(address=lead.email).order_by("due_at")
    assert [(row.purpose, row.due_at) for row in told] == [
        ("review.reminder", NOON + 24 * HOUR),
        ("review.reminder", NOON + 44 * HOUR),
        ("review.overdue", NOON + 48 * HOUR),
    ]
