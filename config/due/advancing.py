"""What becomes of due rows when the database's clock is set back.

Promised by the earlier clock, they would come later by as much: a page in an hour and ten minutes
instead of ten. The rows that were made by the earlier clock say so themselves, since they come
from the future now. Those that wait for a time to pass are moved back with the clock, their making
included, so that no second worker moves them again. What waits for an instant stays.
"""

import datetime
from typing import Any

import structlog
from django.db import models, transaction
from django.db.models import F
from django.db.models.functions import Greatest, Now

from config.due.models import DueRow, OutboundMessage, Timer
from config.due.operations import elapsed_kinds
from config.due.queues import queues

log = structlog.get_logger(__name__)


def advance(by: datetime.timedelta) -> None:
    """Move what waits for a time to pass; each row once, whoever else noticed the step."""
    with transaction.atomic():
        moved = sum(_advance(rows, by) for rows in _waiting())
    if moved:
        log.warning("due rows were moved back with the clock", rows=moved)


def _waiting() -> list[models.QuerySet[DueRow]]:
    found: list[models.QuerySet[DueRow]] = [OutboundMessage.objects.open()]
    for model in {queue.model for queue in queues()}:
        rows: Any = model.objects.open()
        found.append(rows.filter(kind__in=elapsed_kinds()) if model is Timer else rows)
    return found


def _advance(rows: models.QuerySet[DueRow], by: datetime.timedelta) -> int:
    return rows.filter(created_at__gt=Now()).update(
        created_at=F("created_at") - by,
        due_at=F("due_at") - by,
        next_at=Greatest(F("next_at") - by, Now()),
    )
