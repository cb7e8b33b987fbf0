"""What history, events and ledger cost an operation: with them, and without.

Both arms run the same operations on databases of their own, in turns, with a policy in force and
everything that follows within: opening begins an escalation, acknowledging stops it. The floor
writes no history, no event, no delivery and no line in the timeline, and no trigger of evidence
fires. Claims of key times and the escalation's record are data: both arms write them.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from itertools import pairwise
from typing import Any
from unittest import mock

from django.test import override_settings

from config.audit.models import LedgerEntry
from config.events.models import Event
from config.organisation.models import User
from escalation.runs.models import EscalationRecord, EscalationRun, RunState
from fixtures.reference import seed_reference
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident, KeyTimeClaim
from incidents.lifecycle.operations import acknowledge, resolve, triage
from incidents.lifecycle.rules import State
from incidents.timeline.models import TimelineEntry
from tests.benchmarks.measuring import Figure, assert_durable, settle
from tests.config import make
from tests.harness import databases
from tests.incidents import make as make_incidents

ROUNDS, WARM, TIMED = 12, 6, 24
LARGEST_RATIO = 2.0
STEPS = ("open an incident", "acknowledge it", "triage it", "resolve it")

type Around = Callable[[], AbstractContextManager[object]]


def figures() -> Iterator[Figure]:
    """Milliseconds of each operation, in the middle of many, the arms taking turns."""
    with _arm(nullcontext) as whole, _arm(_unrecorded) as plain:
        with databases.pointed_at(plain.clone):
            _triggers_off()
        for _ in range(ROUNDS):
            whole.round()
            plain.round()
        _check(whole, plain)
    for step in STEPS:
        ours, floor = (statistics.median(arm.taken[step]) for arm in (whole, plain))
        yield Figure(f"{step}, with evidence", ours, "ms", LARGEST_RATIO, floor=floor)


class Arm:
    """The operations on one database, `around` them what is left out."""

    def __init__(self, clone: databases.Clone, around: Around) -> None:
        self.clone = clone
        self.taken: dict[str, list[float]] = {step: [] for step in STEPS}
        self._around = around
        with databases.pointed_at(clone):
            assert_durable()
            seed_reference()
            self._person: User = make.user()
            self._service: Service = make_incidents.service()
            settle()

    def round(self) -> None:
        """Again and again; what a new connection has to learn first isn't counted."""
        with databases.pointed_at(self.clone), self._around():
            for number in range(WARM + TIMED):
                for step, taken in self._timed():
                    if number >= WARM:
                        self.taken[step].append(taken)

    def _timed(self) -> list[tuple[str, float]]:
        moments = [time.perf_counter()]
        incident = make_incidents.incident(service=self._service, actor=self._person)
        moments.append(time.perf_counter())
        for change in (acknowledge, triage, resolve):
            change(incident, actor=self._person)
            moments.append(time.perf_counter())
        taken = [(end - start) * 1000 for start, end in pairwise(moments)]
        return list(zip(STEPS, taken, strict=True))

    def data(self) -> dict[str, int]:
        """What both arms must have written."""
        with databases.pointed_at(self.clone):
            done = Incident.objects.filter(state=State.RESOLVED, acknowledged_by=self._person)
            return {
                "resolved": done.count(),
                "escalations": EscalationRun.objects.filter(state=RunState.ENDED).count(),
                "records": EscalationRecord.objects.count(),
                "claims": KeyTimeClaim.objects.count(),
            }

    def evidence(self) -> dict[str, int]:
        """What only one of them may have written."""
        with databases.pointed_at(self.clone):
            return {
                "history": Incident.history.count() + EscalationRun.history.count(),
                "events": Event.objects.filter(kind__startswith="incident.").count(),
                "lines": TimelineEntry.objects.count(),
                "entries": LedgerEntry.objects.filter(table_name="incidents_keytimeclaim").count(),
            }


@contextmanager
def _arm(around: Around) -> Iterator[Arm]:
    clone = databases.make_clone()
    try:
        yield Arm(clone, around)
    finally:
        databases.drop_clone(clone)


def _check(whole: Arm, plain: Arm) -> None:
    many = ROUNDS * (WARM + TIMED)
    changes = len(STEPS)
    if not whole.data() == plain.data() == whole.data() | {"resolved": many, "escalations": many}:
        raise RuntimeError(f"the arms did not do the same: {whole.data()}, {plain.data()}")
    wanted = {
        # An escalation is saved when it begins, when it stops paging and when it ends.
        "history": many * (changes + 3),
        "events": many * changes,
        "lines": many * changes,
        "entries": whole.data()["claims"],
    }
    if whole.evidence() != wanted:
        raise RuntimeError(f"evidence is missing: {whole.evidence()} instead of {wanted}")
    if any(plain.evidence().values()):
        raise RuntimeError(f"the floor wrote evidence: {plain.evidence()}")


def _triggers_off() -> None:
    """Those of evidence, in this scratch database."""
    who = databases.server().superuser or databases.server().owner
    with databases.server().connect(who, databases.current().name) as owner:
        found = owner.execute(
            "SELECT format('ALTER TABLE %s DISABLE TRIGGER %I', tgrelid::regclass, tgname)"
            " FROM pg_trigger WHERE tgname LIKE 'audit\\_%'"
        ).fetchall()
        for (statement,) in found:
            owner.execute(statement)


@contextmanager
def _unrecorded() -> Iterator[None]:
    """Events are made, so that what follows within happens; neither they nor lines are stored."""

    def nothing(*rows: Any) -> None:
        """Not stored."""

    with ExitStack() as stack:
        stack.enter_context(override_settings(SIMPLE_HISTORY_ENABLED=False))
        stack.enter_context(mock.patch("config.events.operations.append", nothing))
        yield
