"""Evidence for the tests of the ledger."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from config import clock
from config.events.models import Event
from config.organisation.models import User

TAMPERED = (
    *("config_event", "config_user", "config_historicaluser", "audit_ledger", "audit_salt"),
    *("audit_unsealed", "audit_leaf", "audit_checkpoint"),
)
_numbers = itertools.count(1)


def system() -> User:
    """The system actor."""
    found: User = User.objects.system()
    return found


def event(kind: str = "audit.tested", **fields: Any) -> Event:
    """One append-only row."""
    fields = {"subject_id": next(_numbers), "reason": "a reason", "data": {"n": 1}, **fields}
    return Event.objects.create(
        kind=kind, actor=system(), origin="system", at=clock.now(), subject_type="test", **fields
    )


def events(count: int) -> list[Event]:
    """Several."""
    return [event() for _ in range(count)]


def person(name: str = "") -> User:
    """A tracked row, and with it a history row."""
    name = name or f"person-{next(_numbers)}"
    return User(username=name, name=name, email=f"{name}@example.org").save_as(
        system(), reason="joined"
    )


@contextmanager
def made_good(vandal: psycopg.Connection[Any]) -> Iterator[None]:
    """Afterwards every table is as it was."""
    for table in TAMPERED:
        vandal.execute(f"CREATE TEMP TABLE kept_{table} AS SELECT * FROM {table}")
    try:
        yield
    finally:
        for table in TAMPERED:
            vandal.execute(f"DELETE FROM {table}")
            vandal.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}")
            vandal.execute(f"DROP TABLE kept_{table}")
