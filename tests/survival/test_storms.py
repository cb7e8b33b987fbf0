"""A storm of alerts through real processes that are killed: nothing is lost, nothing is wrong."""

import datetime
import itertools
import random
from collections.abc import Callable
from typing import Any

import pytest
from django_q.models import Schedule

from compliance.evidence.models import Export
from compliance.evidence.operations import order_export
from config import clock
from config.access.rules import Role
from config.due import jobs
from config.organisation.models import User
from tests.compliance import make as make_evidence
from tests.config import make
from tests.harness import databases
from tests.harness.databases import Clone
from tests.survival.fleet import Fleet
from tests.survival.havoc import NAMED_POINTS, RANDOM_POINTS, Havoc, rage
from tests.survival.own_server import DATABASE, OwnServer
from tests.survival.reckoning import Quiet, evidence, faults
from tests.survival.storm import Phone, Responder, Storm

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]
POINTS = len(RANDOM_POINTS) + sum(len(places) for places in NAMED_POINTS.values())
STALLED = datetime.timedelta(minutes=20)


@pytest.fixture
def fresh_db(server: OwnServer) -> Any:
    """The database of a server that the test may kill."""
    with databases.pointed_at(DATABASE):
        yield DATABASE


@pytest.fixture
def alerts() -> int:
    """How many alerts the storm has at least."""
    return 500


@pytest.fixture
def orders(fresh_db: Clone, carol: User) -> Callable[[], None]:
    """Each call orders an evidence pack."""
    lena = make.user("lena")
    make.role(Role.COMPLIANCE_OFFICER, to=lena)

    def order() -> None:
        order_export(make_evidence.approved(carol, by=lena), actor=carol)

    return order


def test_loses_nothing_though_everything_is_killed_at_twenty_points(
    server: OwnServer,
    fleet: Fleet,
    storm: Storm,
    phone: Phone,
    responder: Responder,
    orders: Callable[[], None],
    seed: int,
    eventually: Callable[..., Any],
    quiet: Quiet,
) -> None:
    chance = random.Random(seed)
    havoc = Havoc(fleet, server, chance)

    with storm.raging():
        rage(havoc, chance, between=orders)
        eventually(havoc.every_place_was_reached, within=60)
    havoc.start_missing()
    quiet(90)
    responder.finish()
    quiet(30)
    # What every five minutes looks after exports whose job was killed, some minutes later.
    jobs.run("resume_exports", clock.now() + STALLED)
    eventually(lambda: not Export.objects.under_way().exists(), within=60)

    assert POINTS == 20
    assert sorted(havoc.reached) == sorted(itertools.chain(*NAMED_POINTS.values()))
    assert fleet.kills >= POINTS
    assert len(storm.accepted) == storm.statuses[202] >= storm.total
    assert faults(storm, phone, responder, kills=fleet.kills) == []
    assert evidence() == []
    assert jobs_are_free()


def jobs_are_free() -> bool:
    """Each has its schedule still, and what a killed cluster ran holds no lock."""
    names = {job.name for job in jobs.jobs()}
    assert set(Schedule.objects.values_list("name", flat=True)) == names
    return "another one is running" not in {jobs.run_scheduled(name) for name in names}
