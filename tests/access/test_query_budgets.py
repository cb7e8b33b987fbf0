"""A list costs the same number of queries for 5 rows and for 20: `query_counts.json` says which.

A count that changes on purpose is written down there, and seen in the review of the change.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config import clock
from config.access.rules import Role
from config.due.worker import run_due
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.operations import acknowledge, resolve
from incidents.taxonomy.models import Level
from tests.config import make
from tests.escalation import make as make_escalation
from tests.incidents import make as make_incidents
from tests.incidents.alerts import make as make_alerts

COMMITTED = json.loads((Path(__file__).parent / "query_counts.json").read_text())
FEW, MANY = 5, 20

type Maker = Callable[[int, Service, User], None]


def incidents(count: int, service: Service, person: User) -> None:
    for number in range(count):
        made = make_incidents.incident(f"Slow {number}", service=service, actor=person)
        if number % 2:
            acknowledge(made, actor=person)


def alerts(count: int, service: Service, person: User) -> None:
    source = make_alerts.source(team=service.team, service=service)
    body = [make_alerts.firing(f"k{number}") for number in range(count)]
    make_alerts.received(source, body)


def services(count: int, service: Service, person: User) -> None:
    for _ in range(count):
        make_incidents.service(team=service.team)


def schedules(count: int, service: Service, person: User) -> None:
    for _ in range(count):
        make_escalation.schedule(service.team, person)


def reviews(count: int, service: Service, person: User) -> None:
    for _ in range(count):
        resolve(
            make_incidents.incident(service=service, actor=person, level=Level.CRITICAL),
            actor=person,
        )
    run_due(clock.now())


def escalations(count: int, service: Service, person: User) -> None:
    if count == FEW:
        make_escalation.contact(person)
        make_escalation.policy([make_escalation.person_tier(person)])
    for _ in range(count):
        make_incidents.incident(service=service)
    run_due(clock.now())


def grants(count: int, service: Service, person: User) -> None:
    """To people and teams, on units, teams and services."""
    if count == FEW:
        make.role(Role.PLATFORM_ADMINISTRATOR, to=person)
    for number in range(count):
        holder = make.team() if number % 2 else make.user()
        make.role(Role.ANALYST, to=holder, on=(service, service.team, make.unit())[number % 3])


LISTS: dict[str, Maker] = {
    "/api/v1/incidents/": incidents,
    "/api/v1/alerts/": alerts,
    "/api/v1/services/": services,
    "/api/v1/schedules/": schedules,
    "/api/v1/reviews/": reviews,
    "/api/v1/escalations/": escalations,
    "/api/v1/pages/": escalations,
    "/admin/incidents/incident/": incidents,
    "/admin/incidents/alert/": alerts,
    "/admin/incidents/service/": services,
    "/admin/config/roleassignment/": grants,
    "/api/v1/role-assignments/": grants,
    "/admin/escalation/schedule/": schedules,
    "/admin/postmortems/review/": reviews,
    "/admin/escalation/page/": escalations,
}


@pytest.mark.parametrize("url", LISTS)
def test_costs_the_same_for_few_rows_and_for_many(url: str, checkout: Service, alice: User) -> None:
    client = make.browser(alice) if url.startswith("/admin/") else make.api(alice)
    counts = {}

    for total, more in ((FEW, FEW), (MANY, MANY - FEW)):
        LISTS[url](more, checkout, alice)
        client.get(url)  # what is read once a process or a minute is read here
        with CaptureQueriesContext(connection) as queries:
            response = client.get(url, {"page_size": MANY} if "/api/" in url else {})
        assert response.status_code == 200
        counts[total] = len(queries)

    assert counts[MANY] == counts[FEW]
    assert counts[MANY] == COMMITTED[url]


def test_keeps_no_count_of_a_list_that_is_gone() -> None:
    assert sorted(COMMITTED) == sorted(LISTS)
