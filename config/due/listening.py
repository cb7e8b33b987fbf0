"""Hearing of new due rows at once: triggers that notify, and the thread that listens."""

import threading
from collections.abc import Callable

import psycopg
import structlog
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from config.audit.install import register_sql
from config.database import direct
from config.due.models import DueRow, OutboundMessage
from config.due.queues import CHANNEL, queues

log = structlog.get_logger(__name__)

PATIENCE = 0.5
FUNCTION = f"""
    CREATE OR REPLACE FUNCTION watchbill_due_notify() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        PERFORM pg_notify('{CHANNEL}', TG_TABLE_NAME);
        RETURN NULL;
    END $$
"""  # nosec B608  (the name of our own channel)
# NOTIFY takes a lock that all committing transactions share. Rows that fall due later than this
# are found without it: the worker looks every five seconds, and what is left allows for a
# transaction that takes long from its statement to its commit. A lease isn't news either. The
# condition is the trigger's own, so that the many updates that are no news cost next to nothing.
TRIGGER = """
    CREATE OR REPLACE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW
    WHEN (NEW.done_at IS NULL AND NEW.dead_at IS NULL AND NEW.token IS NULL
        AND NEW.next_at < clock_timestamp() + interval '30 seconds')
    EXECUTE FUNCTION watchbill_due_notify()
"""
EVENTS = {"insert": "INSERT", "update": "UPDATE OF next_at"}


@register_sql
def install(cursor: CursorWrapper) -> None:
    """Have the tables of due rows notify the workers."""
    cursor.execute(FUNCTION)
    for table in tables():
        for name, event in EVENTS.items():
            cursor.execute(
                sql.SQL(TRIGGER).format(
                    name=sql.Identifier(f"due_notify_{name}"),
                    event=sql.SQL(event),
                    table=sql.Identifier(table),
                )
            )


def tables() -> list[str]:
    """All tables of due rows."""
    models: list[type[DueRow]] = [*(queue.model for queue in queues()), OutboundMessage]
    return [model._meta.db_table for model in models]


class Listener:
    """A connection of its own that hears notifications, and calls `heard` with each name."""

    def __init__(self, heard: Callable[[str], None], stop: threading.Event) -> None:
        self._heard = heard
        self._stop = stop

    def run(self) -> None:
        """Listen until stopped; after a cut connection everything may have been missed."""
        pause = PATIENCE
        while not self._stop.is_set():
            try:
                with direct() as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._heard("")
                    pause = PATIENCE
                    self._listen(connection)
            except psycopg.Error as error:
                log.warning("listening was cut off", reason=str(error).strip())
                self._stop.wait(pause)
                pause = min(pause * 2, 5.0)

    def _listen(self, connection: psycopg.Connection[object]) -> None:
        while not self._stop.is_set():
            for notice in connection.notifies(timeout=PATIENCE, stop_after=1):
                self._heard(notice.payload)
