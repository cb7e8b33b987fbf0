"""Which installation this database belongs to: a copy must not send what the original sends.

A file outside the database names the installation too. They differ, or the heartbeat is old, or
the database is another one than it was: then outbound messages wait for `resume_outbound`.
"""

import datetime
import os
import socket
import uuid
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from config import clock
from config.due.advancing import advance
from config.due.announcing import announce
from config.due.models import Installation, OutboundMessage, WorkerHeartbeat
from config.due.queues import CHANNEL

if TYPE_CHECKING:
    from config.organisation.models import User

log = structlog.get_logger(__name__)

SILENCE = datetime.timedelta(minutes=15)
COLLEAGUE = datetime.timedelta(seconds=15)
NOTICED = datetime.timedelta(seconds=5)
KEPT = datetime.timedelta(days=1)
LISTED = 20


def confirm() -> Installation:
    """At a worker's start: know the installation again, or pause what would leave the house."""
    with transaction.atomic():
        Installation.objects.get_or_create(pk=Installation.SINGLE)
        row = Installation.objects.select_for_update().get()
        reason = _suspicion(row)
        if reason and row.outbound_paused_at is None:
            pause(row, reason)
        elif not reason:
            _recognise(row)
    return row


def pause(row: Installation, reason: str) -> None:
    """Hold all outbound messages until somebody has looked."""
    row.outbound_paused_at, row.paused_because = clock.now(), reason[:200]
    row.save(update_fields=["outbound_paused_at", "paused_because"])
    log.warning("outbound messages are paused", reason=reason)
    announce("outbound.paused", None, reason=reason)


def waiting() -> dict[str, Any]:
    """What would go out on resuming: counts by purpose, the oldest, the addresses."""
    rows = OutboundMessage.objects.open().filter(next_at__lte=Now())
    addresses = Counter(rows.values_list("address", flat=True).order_by("address"))
    oldest = rows.aggregate(oldest=Min("due_at"))["oldest"]
    return {
        "count": addresses.total(),
        "purposes": dict(sorted(Counter(rows.values_list("purpose", flat=True)).items())),
        "oldest": oldest.isoformat() if oldest else None,
        "addresses": dict(addresses.most_common(LISTED)),
        "more_addresses": max(len(addresses) - LISTED, 0),
    }


@transaction.atomic
def resume(*, actor: "User", reason: str = "") -> bool:
    """Let messages go again, from this machine and database. False when nothing was paused."""
    Installation.objects.get_or_create(pk=Installation.SINGLE)
    row = Installation.objects.select_for_update().get()
    was_paused = row.outbound_paused_at is not None
    because = row.paused_because
    row.outbound_paused_at, row.paused_because, row.heartbeat_at = None, "", clock.now()
    row.save()
    _recognise(row)
    if was_paused:
        announce("outbound.resumed", None, actor=actor, reason=reason, paused_because=because)
        _wake_senders()
    return was_paused


def beat(name: str, started_at: datetime.datetime) -> None:
    """This worker lives, and so does the installation."""
    WorkerHeartbeat.objects.update_or_create(
        name=name,
        defaults={"pid": os.getpid(), "started_at": started_at, "seen_at": Now()},
    )
    Installation.objects.update(heartbeat_at=Now())
    hear_the_time()


def hear_the_time() -> None:
    """From here on, this process goes by the database's clock; if that was set, so be it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moved = clock.hear(cursor.fetchone()[0])
    if abs(moved) > NOTICED:
        log.warning("the database's clock was set", seconds=round(moved.total_seconds()))
    if moved < -NOTICED:
        advance(-moved)


def leave(name: str) -> None:
    """The worker ends in an orderly way; forget also those that didn't."""
    WorkerHeartbeat.objects.filter(name=name).delete()
    WorkerHeartbeat.objects.filter(seen_at__lt=Now() - KEPT).delete()


def shares_secret() -> bool:
    """Whether this machine's secret is that of the worker which started last, as far as known."""
    row = Installation.objects.first()
    return row is None or row.facts.get("secret", _secret()) == _secret()


def worker_name() -> str:
    """Names this process among all workers of all machines."""
    return f"{socket.gethostname()}:{os.getpid()}"[:120]


def _suspicion(row: Installation) -> str:
    """Why this may be a copy; empty when it isn't, or is brand-new."""
    if row.heartbeat_at is None:
        return ""
    database = row.facts.get("database")
    if database is not None and database != _database():
        return "This database was restored: it is not the one that the last worker used."
    silent = clock.now() - row.heartbeat_at
    if silent > SILENCE:
        return f"No worker has run for {silent.total_seconds() / 60:.0f} minutes."
    known = _known()
    if known is None:
        # A further node of a living installation sees its colleagues at work; a copy doesn't.
        alive = WorkerHeartbeat.objects.filter(seen_at__gt=Now() - COLLEAGUE).exists()
        return "" if alive else "This machine does not know the installation of this database."
    if known != row.installation_id:
        return f"This machine belongs to another installation ({known})."
    return ""


def _recognise(row: Installation) -> None:
    """Write down, on both sides, that they belong together."""
    facts = {**row.facts, "database": _database(), "secret": _secret()}
    if facts != row.facts:
        row.facts = facts
        row.save(update_fields=["facts"])
    if _known() != row.installation_id:
        path = _path()
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
        fresh.write_text(f"{row.installation_id}\n")
        fresh.replace(path)


def _known() -> uuid.UUID | None:
    with suppress(OSError, ValueError):
        return uuid.UUID(_path().read_text().strip())
    return None


def _path() -> Path:
    return settings.VAR / "installation"


def _secret() -> str:
    """Tells two secrets apart, and is too short to find one by it."""
    return salted_hmac("watchbill.installation", "").hexdigest()[:8]


def _database() -> str:
    """Differs after a restore from a dump: the server's identifier and the database's number."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT system_identifier FROM pg_control_system())"
            " || '/' || oid FROM pg_database WHERE datname = current_database()"
        )
        return str(cursor.fetchone()[0])


def _wake_senders() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, OutboundMessage._meta.db_table])
