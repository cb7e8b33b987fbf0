"""What /readyz shows: each part of the installation by name, good or not, with a word about it."""

import time

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from config.due import selfaudit
from config.due.selfaudit import Check

MIGRATIONS_KEPT = 60.0
NAMES = ("database", "migrations", "worker", "queue", "outbox", "seal")
_complete_until = 0.0


def checks() -> dict[str, Check]:
    """Every part, in a fixed order. Without a database the rest is unknown, which is not good."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        found = {"database": Check(True, "answers"), "migrations": _migrations()}
        if found["migrations"].ok:
            return found | selfaudit.checks()
    except DatabaseError as error:
        connection.close()
        found = {"database": Check(False, f"{type(error).__name__}: see the log of the server")}
    return {name: found.get(name, Check(False, "not known")) for name in NAMES}


def _migrations() -> Check:
    # Reading the plan takes a tenth of a second: a complete one is believed for a minute.
    global _complete_until
    if time.monotonic() < _complete_until:
        return Check(True, "complete")
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return Check(False, f"{len(missing)} to do: run manage.py migrate")
    _complete_until = time.monotonic() + MIGRATIONS_KEPT
    return Check(True, "complete")
