"""The worker's way through the inbox: one source at a time, in order, in micro-batches.

A batch is one transaction, so everything in it happens once, whenever a worker is killed. An
advisory lock of the session lets one worker at a time work on a source: a resolve never
overtakes its alert, and what a killed worker held is free at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import Error, InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest

from config import clock
from config.due.faults import reach
from config.due.installation import hear_the_time
from config.errors import DomainError
from config.origin import Origin, acting
from incidents.alerts.batches import Batch
from incidents.alerts.models import IngestSource, PayloadState, RawPayload

BATCH = 200
# Payloads with which workers began so often without an end are taken alone, then not at all.
SUSPECT = 3
HOPELESS = 6
_LOCK = 7_235_200 << 32
BOUNDED = (
    "set_config('idle_session_timeout', %s, false),"
    " set_config('idle_in_transaction_session_timeout', %s, false)"
)

logger = structlog.get_logger(__name__)


def process_inbox(limit: int = BATCH) -> bool:
    """Work through up to `limit` payloads of each source; False when none was waiting."""
    worked = False
    waiting = _waiting()
    if waiting and not clock.is_simulated():
        hear_the_time()  # a page must not wait for an hour because the clock was just set back
    for source_id in waiting:
        with _alone(source_id) as mine:
            worked = (mine and _work_on(source_id, limit)) or worked
    return worked


def drain_inbox() -> None:
    """Work through all of it: for tests, seeding and simulations."""
    while process_inbox():
        pass


def seconds_behind() -> float:
    """How many seconds the oldest waiting payload is old."""
    oldest = RawPayload.objects.new().order_by("id").values_list("received_at", flat=True).first()
    return max((clock.now() - oldest).total_seconds(), 0.0) if oldest else 0.0


def _waiting() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM incidents_ingestsource s WHERE EXISTS (SELECT FROM"
            " incidents_rawpayload r WHERE r.source_id = s.id AND r.state = 'new') ORDER BY id"
        )
        return [pk for (pk,) in cursor.fetchall()]


@contextmanager
def _alone(source_id: int) -> Iterator[bool]:
    """The lock of the source, for no longer than a lease.

    A worker that hangs or is stopped keeps its session: the server ends it, and others go on. One
    statement takes lock and bound, so that it can't be stopped between them.
    """
    bound = f"{settings.LEASE_SECONDS * 1000:.0f}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {BOUNDED}, pg_try_advisory_lock(%s)", [bound, bound, _LOCK | source_id]
        )
        mine = bool(cursor.fetchone()[2])
    try:
        yield mine
    finally:
        with suppress(Error), connection.cursor() as cursor:
            if mine:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK | source_id])
            cursor.execute(f"SELECT {BOUNDED}", ["0", "0"])


def _work_on(source_id: int, limit: int) -> bool:
    source = IngestSource.objects.select_related("account", "service", "team").get(pk=source_id)
    payloads = _begin(source_id, limit)
    if not payloads:
        return False
    if payloads[0].attempts > HOPELESS:
        text = f"Workers stopped {HOPELESS} times while they read this payload."
        _quarantine(payloads.pop(0), text)
    try:
        if payloads and not _try(source, payloads):
            for payload in payloads:
                _one_by_one(source, payload)
    except (OperationalError, InterfaceError):
        _forget_attempt(payloads)
        raise
    return True


def _begin(source_id: int, limit: int) -> list[RawPayload]:
    """The oldest payloads, with this attempt counted and committed before anything is read."""
    rows = RawPayload.objects.new().filter(source=source_id).order_by("id")
    head = list(rows.values_list("id", "attempts")[:limit])
    if head and head[0][1] >= SUSPECT:
        head = head[:1]
    names = [pk for pk, _ in head]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE incidents_rawpayload SET attempts = attempts + 1 WHERE id = ANY(%s::bigint[])",
            [names],
        )
    reach("inbox_after_begin")
    return list(RawPayload.objects.filter(pk__in=names).order_by("id"))


def _forget_attempt(payloads: list[RawPayload]) -> None:
    """The database's trouble must not add up until payloads are given up."""
    if not connection.is_usable():
        connection.close()
    with suppress(Error):
        RawPayload.objects.new().filter(pk__in=[payload.pk for payload in payloads]).update(
            attempts=Greatest(F("attempts") - 1, 0)
        )


def _try(source: IngestSource, payloads: list[RawPayload]) -> bool:
    try:
        _apply(source, payloads)
    except (OperationalError, InterfaceError):
        raise  # the database's trouble is not the payload's: it stays where it is
    except Exception:
        logger.warning("batch of alerts failed; going one by one", source=source.pk, exc_info=True)
        return False
    return True


def _one_by_one(source: IngestSource, payload: RawPayload) -> None:
    fresh = RawPayload.objects.get(pk=payload.pk)
    try:
        _apply(source, [fresh])
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        logger.exception("payload quarantined", payload=payload.pk)
        _quarantine(payload, _words(error))


def _words(error: Exception) -> str:
    if isinstance(error, DomainError):
        return error.detail
    if isinstance(error, ValidationError) and hasattr(error, "error_dict"):
        found = ((field, each) for field, errors in error.error_dict.items() for each in errors)
        return " ".join(f"{field}: {each.message} ({each.code})" for field, each in found)[:2000]
    return f"{type(error).__name__}: {error}"[:2000]


def _apply(source: IngestSource, payloads: list[RawPayload]) -> None:
    with acting(Origin.API), transaction.atomic():
        Batch(source, payloads).run()
        reach("inbox_before_commit")


def _quarantine(payload: RawPayload, error: str) -> None:
    RawPayload.objects.filter(pk=payload.pk, state=PayloadState.NEW).update(
        state=PayloadState.QUARANTINED, error=error, processed_at=clock.now()
    )
