"""What the tests of the core share."""

from collections.abc import Iterator
from typing import Any

import pytest

from config.events import operations as events
from config.organisation.models import User
from fixtures.reference import seed_reference
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from tests.harness import databases
from tests.harness.databases import Clone
from tests.harness.kept import kept
from tests.incidents import make
from tests.incidents.alerts.knocking import Server


@kept
def incident(checkout: Service, bob: User) -> Incident:
    """A new incident of checkout, reported by bob."""
    return make.incident(service=checkout, actor=bob)


@kept(heavy=True)
def seeded() -> None:
    """What every installation begins with: seeding takes longer than most tests of it."""
    seed_reference()


@pytest.fixture
def no_guards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards of the floors above have their own tests."""
    monkeypatch.setattr(events, "_guards", {})


@pytest.fixture(scope="module")
def clone(django_db_setup: None, django_db_blocker: Any) -> Iterator[Clone]:
    """One database for the module: the intake commits, so each test has a source of its own."""
    with django_db_blocker.unblock():
        made = databases.make_clone()
        with databases.pointed_at(made):
            yield made
        databases.drop_clone(made)


@pytest.fixture
def server(clone: Clone) -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()
