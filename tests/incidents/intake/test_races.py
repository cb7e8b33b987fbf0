"""Two who convert the same at once: the work moves once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from config.errors import DomainError
from config.organisation.models import User
from fixtures.reference import seed_reference
from incidents.catalog.models import Service
from incidents.intake import operations
from incidents.intake.models import Conversion, IntakeItem, WorkRecord
from incidents.lifecycle.models import Incident
from tests.incidents import make

pytestmark = pytest.mark.usefixtures("fresh_db")


@pytest.fixture
def seeded(fresh_db: None) -> None:
    seed_reference()


def at_once(call: Callable[[], Any]) -> list[Any]:
    """Call it twice together; the answer of each, or the refusal's code."""
    barrier = Barrier(2)

    def run(_: int) -> Any:
        try:
            barrier.wait()
            return call()
        except DomainError as refusal:
            return refusal.public_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, range(2)))


def test_lets_one_of_two_conversions_of_a_report_win(
    seeded: None, checkout: Service, bob: User
) -> None:
    item = operations.report(title="Slow", actor=bob, service=checkout, is_recurring=True)

    found = at_once(
        lambda: operations.convert(IntakeItem.objects.get(pk=item.pk), actor=bob).outcome
    )

    assert sorted(found) == ["converted_already", "problem"]
    assert (Conversion.objects.count(), WorkRecord.objects.count()) == (1, 1)


def test_lets_one_of_two_conversions_of_an_incident_win(
    seeded: None, checkout: Service, alice: User
) -> None:
    incident = make.incident(service=checkout, level="info")

    def convert() -> str:
        row = Incident.objects.get(pk=incident.pk)
        made = operations.convert_incident(row, actor=alice, outcome="change", reason="Planned")
        return made.outcome

    assert sorted(at_once(convert)) == ["change", "converted_already"]
    assert (Conversion.objects.count(), WorkRecord.objects.count()) == (1, 1)
