"""What history, events and ledger cost an operation: with them, and without."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.test import override_settings

from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import acknowledging, transitions
from incidents.lifecycle.rules import State
from incidents.timeline.models import TimelineEntry
from tests.benchmarks.measuring import Figure, scratch, settle
from tests.config import make
from tests.harness import databases
from tests.incidents import make as make_incidents

MANY = 300


def figures() -> Iterator[Figure]:
    """Milliseconds for acknowledging and resolving one incident, each arm on its own database."""
    ours, plain = _whole(), _plain()
    yield Figure("acknowledge and resolve, with evidence", ours, "ms", 2.0, floor=plain)


def _whole() -> float:
    with scratch():
        incidents, person = _prepared()
        lines = TimelineEntry.objects.count()
        taken = _timed(incidents, person)
        if TimelineEntry.objects.count() < lines + 2 * MANY:
            raise RuntimeError("an operation left no line")
    return taken


def _plain() -> float:
    """No history, no events with their lines in the timeline, no trigger; claims are data."""
    with scratch():
        incidents, person = _prepared()
        with _triggers_off(), _unrecorded():
            return _timed(incidents, person)


def _prepared() -> tuple[list[Incident], Any]:
    person, service = make.user(), make_incidents.service()
    incidents = [make_incidents.incident(service=service) for _ in range(MANY)]
    settle()
    return incidents, person


def _timed(incidents: list[Incident], person: Any) -> float:
    began = time.perf_counter()
    for incident in incidents:
        acknowledging.acknowledge(incident, actor=person)
        transitions.resolve(incident, actor=person)
    taken = time.perf_counter() - began
    done = Incident.objects.filter(state=State.RESOLVED, acknowledged_by=person).count()
    if done != MANY:
        raise RuntimeError(f"{done} of {MANY} were resolved")
    return taken / MANY * 1000


@contextmanager
def _triggers_off() -> Iterator[None]:
    """For every table of evidence, in this scratch database."""
    with databases.server().connect(
        databases.server().superuser or databases.server().owner, databases.current().name
    ) as owner:
        tables = owner.execute(
            "SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE t.tgname LIKE 'audit%'"
        ).fetchall()
        for (table,) in tables:
            owner.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
    yield


@contextmanager
def _unrecorded() -> Iterator[None]:
    def nothing(*args: Any, **kwargs: Any) -> None:
        """No event."""

    with (
        override_settings(SIMPLE_HISTORY_ENABLED=False),
        mock.patch.object(acknowledging, "record", nothing),
        mock.patch.object(transitions, "record", nothing),
    ):
        yield
