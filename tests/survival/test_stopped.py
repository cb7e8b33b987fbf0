"""Workers that are stopped at the worst places, past their leases, and then go on."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.survival.fleet import WEB, Fleet
from tests.survival.reckoning import Quiet, faults
from tests.survival.storm import Phone, Responder, Storm

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
PLACES = [
    "after_claim",
    "effect_before_commit",
    "after_answer_before_done",
    "inbox_before_commit",
]


def test_neither_waits_for_a_sleeping_worker_nor_does_anything_twice(
    fleet: Fleet,
    storm: Storm,
    phone: Phone,
    responder: Responder,
    eventually: Callable[..., Any],
    quiet: Quiet,
) -> None:
    fleet.environ["WATCHBILL_LEASE_SECONDS"] = "2"
    for place in PLACES:
        fleet.start(place, fault=f"{place}:1:STOP")
    fleet.start(WEB)

    with storm.raging():
        eventually(lambda: all(fleet.is_stopped(place) for place in PLACES), within=30)
        fleet.start("awake")
    # Though four sleep with leases, locks and transactions open: a row that meets such a lock asks
    # again within a second, and the server ends what a sleeper holds at the end of its lease.
    quiet(60)
    responder.finish()
    for place in PLACES:
        fleet.resume(place)
        fleet.wait_for_worker(place)
    quiet(30)

    # Whoever slept between a provider's answer and the note of it: sent again, once.
    assert faults(storm, phone, responder, kills=1) == []
