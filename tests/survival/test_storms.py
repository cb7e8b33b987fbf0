"""A storm of alerts through real processes that are killed: nothing is lost, nothing is wrong."""

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.survival.fleet import WEB, Fleet
from tests.survival.reckoning import faults, is_quiet
from tests.survival.storm import Phone, Responder, Storm

pytestmark = pytest.mark.slow

# The places of a worker at which a crash could lose or double something, and the web's.
PLACES = [
    "inbox_after_begin",
    "inbox_before_commit",
    "after_claim",
    "effect_before_commit",
    "after_commit_before_notify",
    "after_answer_before_done",
    "settle_before_commit",
]
STORED = "stored_before_answer"


def settle(fleet: Fleet, eventually: Callable[..., Any], responder: Responder) -> None:
    """Wait until nothing is left to do."""
    eventually(is_quiet, within=60)
    responder.finish()
    eventually(is_quiet, within=30)


def start_missing(fleet: Fleet, *names: str) -> None:
    """As the supervisor does."""
    for name in names:
        if name not in fleet.running:
            fleet.start(name)


def kill_at(fleet: Fleet, places: Iterator[str], storm: Storm) -> None:
    """Two workers at a time, each with the next place at which it will die, while it rages."""
    patience = time.monotonic() + 20
    slots = {"one", "two"}
    while slots and time.monotonic() < patience and not storm.is_over:
        for name in sorted(slots):
            if name not in fleet.running:
                if (place := next(places, None)) is None:
                    slots.discard(name)
                    continue
                fleet.start(name, fault=place)
            fleet.has_died(name)


def test_loses_nothing_when_workers_die_at_every_named_place(
    fleet: Fleet,
    storm: Storm,
    phone: Phone,
    responder: Responder,
    seed: int,
    eventually: Callable[..., Any],
) -> None:
    chance = random.Random(seed)
    places = [f"{place}:{chance.randint(1, 3)}" for place in PLACES]
    chance.shuffle(places)
    fleet.start(WEB)

    with storm.raging():
        kill_at(fleet, iter(places), storm)
        fleet.kill(*fleet.running.keys() - {WEB})  # whose place was not reached
        start_missing(fleet, "one", "two")
    settle(fleet, eventually, responder)

    assert fleet.kills >= 4
    assert faults(storm, phone, responder, kills=fleet.kills) == []


def test_loses_nothing_when_web_and_worker_die_alone_and_together(
    fleet: Fleet,
    storm: Storm,
    phone: Phone,
    responder: Responder,
    seed: int,
    eventually: Callable[..., Any],
) -> None:
    chance = random.Random(seed)
    fleet.start(WEB, fault=f"{STORED}:{chance.randint(5, 30)}")
    fleet.start("one")

    with storm.raging():
        eventually(lambda: fleet.has_died(WEB), within=20)  # with a body stored, and no answer
        for victims in [(WEB,), ("one",), (WEB, "one")]:
            start_missing(fleet, WEB, "one")
            fleet.wait_for_web()
            time.sleep(chance.uniform(0.1, 1.0))  # wherever they are then
            fleet.kill(*victims)
        start_missing(fleet, WEB, "one")
    settle(fleet, eventually, responder)

    assert fleet.kills == 5
    assert len(storm.accepted) == storm.statuses[202]
    assert faults(storm, phone, responder, kills=fleet.kills) == []
