"""Due rows that another worker parked because it lacked their code, and this one has it.

While an upgrade goes from node to node, workers of two versions claim from the same tables, and
the earlier one parks what only the later one promises. So each worker looks, at its start and then
every few seconds, for parked rows that it knows, and opens them again.
"""

from collections.abc import Callable, Iterator
from typing import Any

import structlog
from django.contrib.auth import get_user_model

from config.due.models import DueRow, OutboundMessage
from config.due.operations import retry
from config.due.queues import queues
from config.due.rules import PARKED
from config.due.sending import knows
from config.errors import Refused

log = structlog.get_logger(__name__)

EVERY = 20.0
AT_ONCE = 200
REASON = "This worker has the code that another one lacked."


def adopt_parked() -> float:
    """Open those again that are known here; seconds until the next look."""
    found = sum(_adopt(row) for row in _known())
    if found:
        log.info("parked rows are open again", rows=found)
    return EVERY


def _known() -> Iterator[DueRow]:
    """The latest of each table: the index of dead letters gives them first."""
    tables: list[tuple[type[DueRow], Callable[[Any], Any]]] = [(OutboundMessage, knows)]
    tables += [(queue.model, queue.prepare) for queue in queues()]
    for model, known in tables:
        rows = model.objects.dead().filter(last_error__startswith=PARKED).order_by("-dead_at")
        yield from (row for row in rows[:AT_ONCE] if known(row))


def _adopt(row: DueRow) -> bool:
    try:
        retry(row, actor=get_user_model().objects.system(), reason=REASON)
    except Refused:  # another worker was first, or a later timer took its place
        return False
    return True
