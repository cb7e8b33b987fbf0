"""What the tests of the core share."""

import pytest

from config.events import operations as events
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from tests.incidents import make


@pytest.fixture
def incident(checkout: Service, bob: User) -> Incident:
    """A new incident of checkout, reported by bob."""
    return make.incident(service=checkout, actor=bob)


@pytest.fixture
def no_guards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards of the floors above have their own tests."""
    monkeypatch.setattr(events, "_guards", {})
