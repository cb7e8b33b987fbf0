"""What the tests of reviews share: an incident that was resolved, and who may decide."""

import datetime

import pytest

from config import clock
from config.access.rules import Role
from config.due.worker import run_due
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import resolve
from incidents.taxonomy.models import Level
from postmortems.reviews.models import Review
from tests.config import make
from tests.harness.kept import kept
from tests.incidents import make as make_incidents

NOON = datetime.datetime(2026, 3, 10, 12, 0, tzinfo=datetime.UTC)


def resolved(service: Service, actor: User, level: Level = Level.CRITICAL) -> Incident:
    """An incident that was resolved at NOON, with all that follows from it done."""
    with clock.simulated(NOON - datetime.timedelta(hours=1)):
        incident = make_incidents.incident(service=service, actor=actor, level=level)
    with clock.simulated(NOON):
        resolve(incident, actor=actor)
    run_due(NOON)
    incident.refresh_from_db()
    return incident


@kept
def grave(checkout: Service, bob: User) -> Incident:
    """A SEV1 that was resolved at NOON."""
    return resolved(checkout, bob)


@kept
def review(grave: Incident) -> Review:
    """The review that it owes."""
    return Review.objects.get(incident=grave)


@pytest.fixture
def lena(database: None) -> User:
    """Compliance officer of the enterprise."""
    person = make.user("lena", name="Lena Vogt")
    make.role(Role.COMPLIANCE_OFFICER, to=person)
    return person
