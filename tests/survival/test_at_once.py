"""Many at once through the real web process."""

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from config.access.rules import Role
from config.events.models import Event
from config.organisation.models import Team, User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from tests.config import make
from tests.incidents import make as make_incidents
from tests.incidents.alerts import make as make_alerts
from tests.survival.fleet import Fleet
from tests.survival.reckoning import platform
from tests.survival.storm import Reply, post

pytestmark = pytest.mark.slow


@pytest.fixture
def url(fleet: Fleet) -> str:
    """The running web process."""
    fleet.start_all()
    return fleet.url


def at_once[T](call: Callable[[T], Reply], each: Sequence[T]) -> list[Reply]:
    """All of them at the same instant."""
    barrier = threading.Barrier(len(each))

    def run(one: T) -> Reply:
        barrier.wait(10)
        return call(one)

    with ThreadPoolExecutor(len(each)) as pool:
        return list(pool.map(run, each))


def test_fifty_people_acknowledge(payments: Team, checkout: Service, url: str) -> None:
    incident = make_incidents.incident(service=checkout)
    people = [make.user(f"responder-{number}") for number in range(50)]
    for person in people:
        make.role(Role.ENGINEER, to=person, on=payments)
    tokens = [make.token(person) for person in people]
    address = f"{url}/api/v1/incidents/{incident.reference}/acknowledge/"

    replies = at_once(lambda token: post(address, b"{}", Authorization=f"Bearer {token}"), tokens)

    assert {reply.status for reply in replies} == {200}
    incident.refresh_from_db()
    events = Event.objects.filter(kind="incident.acknowledged").order_by("id")
    assert {event.actor for event in events} == set(people)
    assert [event.actor for event in events if event.data["is_first"]] == [incident.acknowledged_by]
    assert events[0].at == incident.acknowledged_at
    assert platform() == []


def test_the_same_alert_arrives_ten_times(checkout: Service, url: str) -> None:
    issued = make_alerts.issued(service=checkout)
    body = json.dumps(make_alerts.firing("same", level="error")).encode()

    replies = at_once(lambda _: post(f"{url}/ingest/generic/{issued.token}", body), range(10))
    make_alerts.drain_inbox()

    assert {reply.status for reply in replies} == {202}
    assert len({json.loads(reply.body)["id"] for reply in replies}) == 10
    alert, incident = make_alerts.only_alert(), make_alerts.only_incident()
    assert (alert.count, alert.incident) == (10, incident)
    assert platform() == []


def test_the_same_request_arrives_ten_times(checkout: Service, alice: User, url: str) -> None:
    body = json.dumps({"title": "Shelf is full", "service": checkout.key, "level": "error"})
    headers = {"Authorization": f"Bearer {make.token(alice)}", "Idempotency-Key": "one-order"}

    replies = at_once(
        lambda _: post(f"{url}/api/v1/incidents/", body.encode(), **headers), range(10)
    )

    made = {json.loads(reply.body)["reference"] for reply in replies if reply.status == 201}
    assert made == {Incident.objects.get().reference}
    assert {reply.status for reply in replies} <= {201, 409}  # 409: the first is still running
    assert platform() == []
