"""Kills by plan: at named places in the code, and at random moments, alone and together."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import connections

from tests.survival.fleet import JOBS, WEB, Fleet
from tests.survival.own_server import OwnServer

SERVER = "server"
NAMES = (WEB, "one", "two", JOBS)

# The places of each process at which a crash could lose or double something.
NAMED_POINTS = {
    WEB: ["stored_before_answer"],
    "one": [
        "inbox_after_begin",
        "after_claim",
        "after_commit_before_notify",
        "settle_before_commit",
    ],
    "two": ["inbox_before_commit", "effect_before_commit", "after_answer_before_done"],
    JOBS: ["export_before_ready"],
}
# Who is killed together at a moment that chance chooses.
RANDOM_POINTS = [
    (WEB,),
    ("one",),
    ("two",),
    (JOBS,),
    (SERVER,),
    (WEB, "one"),
    ("one", "two"),
    ("two", JOBS),
    (SERVER, "one"),
    (SERVER, WEB),
    (SERVER, *NAMES),
]


@dataclass
class Havoc:
    """Starts the processes again as a supervisor does, each armed with its next named place."""

    fleet: Fleet
    server: OwnServer
    chance: random.Random
    reached: list[str] = field(default_factory=list)
    waiting: dict[str, list[str]] = field(
        default_factory=lambda: {name: list(places) for name, places in NAMED_POINTS.items()}
    )
    _armed: dict[str, str] = field(default_factory=dict)
    _read: int = 0

    def start_missing(self) -> None:
        """Whoever isn't there, by a kill of ours or at its place."""
        self._end_wounded_cluster()
        for name in NAMES:
            if name in self.fleet.running and self.fleet.has_died(name):
                # django-q's parent never dies at a place, but of a database that is away.
                place = self._armed.pop(name)
                (self.waiting[JOBS] if name == JOBS else self.reached).append(place)
            if name not in self.fleet.running:
                self._start(name)

    def _end_wounded_cluster(self) -> None:
        """django-q's parent makes itself new workers: kill it as soon as it has lost one."""
        place = self._armed.get(JOBS)
        said = self.fleet.log_of(JOBS, last=10_000_000)[self._read :] if place else ""
        if "reincarnated" in said:
            self.fleet.kill(JOBS)
            self.reached.append(self._armed.pop(JOBS))

    def strike(self, *victims: str) -> None:
        """All of them at once."""
        self.start_missing()
        if SERVER in victims:
            self.server.kill()
            self.fleet.kills += 1
        self.fleet.kill(*(name for name in victims if name in self.fleet.running))
        for name in victims:
            if place := self._armed.pop(name, ""):
                self.waiting[name].append(place)
        if SERVER in victims:
            self.server.start()
            connections.close_all()

    def every_place_was_reached(self) -> bool:
        """Looks who died, starts them again, and says whether any place is left."""
        self.start_missing()
        return not any(self.waiting.values()) and not any(self._armed.values())

    def _start(self, name: str) -> None:
        place = self.waiting[name].pop(0) if self.waiting[name] else ""
        times = self.chance.randint(5, 20) if name == WEB else 1
        if name == JOBS:
            self._read = len(self.fleet.log_of(JOBS, last=10_000_000))
        self.fleet.start(name, fault=f"{place}:{times}" if place else "")
        self._armed[name] = place


def rage(havoc: Havoc, chance: random.Random, *, between: Callable[[], None]) -> None:
    """All random points in some order, with a while in which everything works between them."""
    for victims in chance.sample(RANDOM_POINTS, len(RANDOM_POINTS)):
        havoc.start_missing()
        havoc.fleet.wait_for_web()
        between()
        time.sleep(chance.uniform(1.5, 3.5))  # most of them have begun to work by then
        havoc.strike(*victims)
