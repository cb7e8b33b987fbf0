"""Two workers, and an acknowledgement against the timer: on a database that really commits."""

import threading
from collections.abc import Callable

import pytest
from django.db import connections, transaction

from config.audit.tracking import lock
from config.due.leases import claim
from config.due.models import OutboundMessage, Timer
from config.due.performing import perform
from config.due.queues import queues
from config.due.sending import attempt, capture_sends
from config.organisation.models import User
from escalation.paging.models import Page
from escalation.runs.models import EscalationRecord, EscalationRun
from escalation.runs.operations import TIER
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import acknowledge
from tests.escalation import make
from tests.incidents import make as make_incidents

QUEUE = next(each for each in queues() if each.model is Timer)


@pytest.fixture
def opened(fresh_db, checkout, alice: User, bob: User) -> Incident:
    """An incident by the real clock, whose first tier is due now."""
    for person in (bob, alice):
        make.contact(person, f"{person.username}@example.org")
    make.policy([make.person_tier(bob), make.person_tier(alice)])
    return make_incidents.incident(service=checkout)


def together(*works: Callable[[], object]) -> list[BaseException]:
    """Run them in threads that start at once; what they raised."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        try:
            barrier.wait(10)
            work()
        except BaseException as error:  # shown by the assertion
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return errors


def thread_of(work: Callable[[], object]) -> threading.Thread:
    """A thread that gives its connections back."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    return threading.Thread(target=run)


def work_off() -> None:
    """What a worker does with timers."""
    for lease in claim(Timer, 10):
        perform(QUEUE, lease)


def test_pages_once_when_several_workers_run(opened: Incident) -> None:
    for _ in range(3):
        assert together(*[work_off] * 4) == []

    assert make.paged() == [("bob", 1, 1)]
    assert EscalationRecord.objects.filter(kind="paged").count() == 1
    assert Timer.objects.open().filter(kind=TIER).count() == 1


def test_pages_once_when_a_lease_ends_before_its_work(opened: Incident) -> None:
    (first,) = claim(Timer, 10)
    Timer.objects.filter(pk=first.pk).update(next_at=first.due_at)
    (second,) = claim(Timer, 10)

    assert together(lambda: perform(QUEUE, first), lambda: perform(QUEUE, second)) == []

    assert make.paged() == [("bob", 1, 1)]


@pytest.mark.parametrize("attempt_", range(6))
def test_never_pages_after_an_acknowledgement_committed(
    opened: Incident, alice: User, attempt_: int
) -> None:
    incident = Incident.objects.get()

    errors = together(work_off, lambda: acknowledge(incident, actor=alice))

    assert errors == []
    run = EscalationRun.objects.get()
    assert run.state == "acknowledged"
    kinds = list(EscalationRecord.objects.order_by("id").values_list("kind", flat=True))
    assert kinds[-1] == "acknowledged"
    assert not Timer.objects.open().filter(kind=TIER).exists()
    with capture_sends() as sent:
        for lease in claim(OutboundMessage, 10):
            attempt(lease)
    assert [each for each in sent if each.message.purpose == "page"] == []


def test_waits_for_an_acknowledgement_that_is_being_written(
    opened: Incident, alice: User, eventually
) -> None:
    (lease,) = claim(Timer, 10)
    worker = thread_of(lambda: perform(QUEUE, lease))
    with transaction.atomic():
        acknowledge(Incident.objects.get(), actor=alice)
        worker.start()
        eventually(lambda: _waiting_for_locks() > 0)
        assert not Page.objects.exists()
    worker.join(30)

    assert not Page.objects.exists()
    assert EscalationRun.objects.get().state == "acknowledged"


def _waiting_for_locks() -> int:
    # On a connection of its own: a transaction sees the same picture of all sessions to its end.
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        found: int = cursor.fetchone()[0]
    return found


def test_does_not_deadlock_sending_against_acknowledging(opened: Incident, alice: User) -> None:
    work_off()

    def send() -> None:
        with capture_sends():
            for lease in claim(OutboundMessage, 10):
                attempt(lease)

    errors = together(
        send,
        lambda: acknowledge(Incident.objects.get(), actor=alice),
        lambda: acknowledge(Incident.objects.get(), actor=User.objects.get(username="bob")),
        work_off,
    )

    assert errors == []
    assert make.paged() == [("bob", 1, 1)]


def test_locks_the_incident_first(opened: Incident, alice: User, eventually) -> None:
    worker = thread_of(work_off)
    with transaction.atomic():
        lock(Incident.objects.get())
        worker.start()
        eventually(lambda: _waiting_for_locks() > 0)
        # Whoever holds the incident can take everything below it without waiting for a worker.
        lock(EscalationRun.objects.get())
        Timer.objects.select_for_update(nowait=True).get(kind=TIER, done_at=None)
    worker.join(30)

    assert make.paged() == [("bob", 1, 1)]
