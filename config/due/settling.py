"""What follows an attempt to send: it is written down, and the message is marked, all in one go.

What the provider answered is stored before anything is built on it. Messages that were taken at
about the same time are settled together, where nobody is at work on their records; any other, and
any that this fails for, by itself.
"""

import copy
import datetime
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from django.apps import apps
from django.db import DatabaseError, InterfaceError, connection, models, transaction

from config import clock
from config.audit.tracking import append
from config.combining import Combined
from config.due.answers import Answer
from config.due.batches import lock_free
from config.due.faults import reach
from config.due.leases import (
    Lease,
    after,
    bound_transaction,
    held,
    readable,
)
from config.due.models import Attempt, AttemptOutcome, OutboundMessage
from config.due.operations import Outbound, Skip
from config.due.performing import LAST_PATIENCE, announce_death, apart
from config.due.queues import Anchor
from config.due.rules import DELAYS, delay_after
from config.sqlstates import is_shortage

log = structlog.get_logger(__name__)

SETTLE_TRIES = 20
SETTLE_PAUSE = 0.5
SENT_TOGETHER = """
    UPDATE config_outboundmessage AS row
    SET done_at = %s, outcome = %s, last_error = ''
    FROM unnest(%s::uuid[], %s::uuid[]) AS mine (id, token)
    WHERE row.id = mine.id AND row.token = mine.token
        AND row.done_at IS NULL AND row.dead_at IS NULL
    RETURNING row.id
"""
PATIENCE = 0.1  # seconds for the locks of what follows, while others wait to be settled


@dataclass(frozen=True)
class Answered:
    """A message of which is known how the attempt ended."""

    message: OutboundMessage
    lease: Lease
    registration: Outbound
    answer: Answer | Skip
    began: datetime.datetime

    @property
    def outcome(self) -> AttemptOutcome:
        """Of this attempt."""
        if isinstance(self.answer, Skip):
            return AttemptOutcome.SKIPPED
        return self.answer.outcome

    @property
    def is_taken(self) -> bool:
        """The provider has it."""
        return self.outcome == AttemptOutcome.SENT

    @property
    def was_answered_before(self) -> bool:
        """Only what follows from it is done again."""
        return self.message.outcome in (AttemptOutcome.SENT, AttemptOutcome.REFUSED)


def settle(answered: Answered) -> None:
    """Write it down, through deadlocks and restarts of the database: else it would go out twice.

    Raises only when the database stays away.
    """
    if not answered.was_answered_before:
        _log(answered)
    if not (answered.is_taken and _is_settled_with_others(answered)):
        _settle_surely(answered)


def _settle_together(several: Sequence[Answered]) -> list[bool]:
    """Which of them are settled."""
    try:
        done = _try_together(several)
    except Exception:  # whatever it is, it is met again, and dealt with, one by one
        log.warning("settling one by one", messages=len(several), exc_info=True)
        return [False] * len(several)
    return [each.message.pk in done for each in several]


_is_settled_with_others = Combined(_settle_together)


@transaction.atomic
def _try_together(several: Sequence[Answered]) -> set[Any]:
    """Settle those on whose records nobody is at work; their keys."""
    bound_transaction(PATIENCE)
    known = [each for each in several if _root_model(each.message)]
    free = lock_free({_anchor(each.message) for each in known})
    mine = [each for each in known if _anchor(each.message) in free]
    if attempts := [_attempt(each) for each in mine if not each.was_answered_before]:
        append(*attempts)
    marked = _mark_sent([each.lease for each in mine])
    _follow_together([each for each in mine if each.message.pk in marked])
    reach("settle_before_commit")
    return {each.message.pk for each in mine}


def _mark_sent(leases: Sequence[Lease]) -> set[Any]:
    """The keys of those that are still ours."""
    keys, tokens = [lease.pk for lease in leases], [lease.token for lease in leases]
    with connection.cursor() as cursor:
        cursor.execute(SENT_TOGETHER, [clock.now(), AttemptOutcome.SENT, keys, tokens])
        return {pk for (pk,) in cursor.fetchall()}


def _follow_together(several: Iterable[Answered]) -> None:
    """Tell each purpose how it ended, of all its messages at once where it can be told so."""
    purposes: dict[str, list[Answered]] = defaultdict(list)
    for each in several:
        purposes[each.message.purpose].append(each)
    for group in purposes.values():
        registration = group[0].registration
        rows = [_as_sent(each.message) for each in group]
        if registration.sent_many is not None:
            registration.sent_many(rows)
        elif registration.sent is not None:
            for row in rows:
                registration.sent(row)


def _as_sent(message: OutboundMessage) -> OutboundMessage:
    row = copy.copy(message)
    row.outcome, row.done_at, row.last_error = AttemptOutcome.SENT, clock.now(), ""
    return row


def _settle_surely(answered: Answered) -> None:
    for remaining in reversed(range(SETTLE_TRIES)):
        try:
            _settle(answered)
        except (DatabaseError, InterfaceError) as error:
            if not remaining or connection.in_atomic_block:
                raise
            if not connection.is_usable():
                connection.close()
                time.sleep(SETTLE_PAUSE)
            elif is_shortage(error):
                time.sleep(SETTLE_PAUSE)
        else:
            return


@transaction.atomic
def _settle(answered: Answered) -> None:
    """Write down the attempt, and mark the message if the lease is still ours."""
    bound_transaction(LAST_PATIENCE)
    lease, registration, answer = answered.lease, answered.registration, answered.answer
    root = _locked_root(answered.message)
    if not answered.was_answered_before:
        append(_attempt(answered))
    row = copy.copy(answered.message)  # should this be tried again, the message is as it was
    if isinstance(answer, Skip):
        _done(row, lease, AttemptOutcome.SKIPPED)
    elif answer.outcome == AttemptOutcome.SENT:
        if _done(row, lease, answer.outcome):
            _follow(row, registration.sent, answer)
    elif _lock(lease):
        if answer.outcome == AttemptOutcome.REFUSED:
            _bury(row, root, registration, answer)
        else:
            _again(row, root, registration, answer)
    reach("settle_before_commit")


def _lock(lease: Lease) -> bool:
    rows = held(OutboundMessage, lease).select_for_update(no_key=True)
    return bool(rows.values_list("pk", flat=True))


def _done(row: OutboundMessage, lease: Lease, outcome: AttemptOutcome) -> bool:
    """Mark it, while the lease is ours."""
    row.outcome, row.done_at, row.last_error = outcome, clock.now(), ""
    rows = held(OutboundMessage, lease)
    return bool(rows.update(outcome=row.outcome, done_at=row.done_at, last_error=row.last_error))


def _attempt(answered: Answered) -> Attempt:
    answer = answered.answer
    return Attempt(
        message_id=answered.message.pk,
        number=answered.message.attempts,
        began_at=answered.began,
        ended_at=clock.now(),
        outcome=answered.outcome,
        answer=readable(answer.reason if isinstance(answer, Skip) else answer.text),
    )


def _log(answered: Answered) -> None:
    message, outcome = answered.message, str(answered.outcome)
    log.info("attempt to send", message=str(message.pk), purpose=message.purpose, outcome=outcome)


def _again(row: OutboundMessage, root: Any, registration: Outbound, answer: Answer) -> None:
    delay = delay_after(row.attempts, registration.retries, asked=answer.retry_after)
    if delay is None:
        _bury(row, root, registration, answer)
        return
    OutboundMessage.objects.filter(pk=row.pk).update(
        token=None, next_at=after(delay), last_error=readable(answer.text)
    )


def _bury(row: OutboundMessage, root: Any, registration: Outbound, answer: Answer) -> None:
    row.outcome, row.dead_at, row.token = answer.outcome, clock.now(), None
    row.last_error = readable(answer.text)
    row.save()
    if _follow(row, registration.failed, answer):
        apart(announce_death, "outbox", row, root, what_of(row), row.last_error)


def _follow(
    row: OutboundMessage, callback: Callable[[OutboundMessage], None] | None, answer: Answer
) -> bool:
    """Tell the purpose how it ended. If that fails, only that is tried again, not the sending."""
    if callback is None:
        return True
    try:
        with transaction.atomic():
            callback(row)
            return True
    except Exception as error:
        if not connection.is_usable():
            raise
        log.exception("what follows a message failed", message=str(row.pk), purpose=row.purpose)
        text = readable(f"{type(error).__name__}: {error}; answered: {answer.text}")
        return not _follow_later(row, text)


def _follow_later(row: OutboundMessage, text: str) -> bool:
    rows = OutboundMessage.objects.filter(pk=row.pk)
    delay = delay_after(row.attempts, DELAYS)
    if delay is None:
        rows.update(last_error=text)
        return False
    rows.update(done_at=None, dead_at=None, token=None, next_at=after(delay), last_error=text)
    return True


def what_of(message: OutboundMessage) -> str:
    return f"the message {message.purpose}"


def _anchor(message: OutboundMessage) -> Anchor:
    return (message.root_type, message.root_id)


def _root_model(message: OutboundMessage) -> type[models.Model] | None:
    """None once its code is gone; that mustn't keep the answer from being stored."""
    try:
        return apps.get_model(message.root_type)
    except LookupError:
        return None


def _locked_root(message: OutboundMessage) -> models.Model | None:
    """Its root, locked. What it is called is read where that is needed, which is seldom."""
    model = _root_model(message)
    if model is None:
        return None
    rows = model._base_manager.only("pk").filter(pk=message.root_id)
    found: models.Model | None = rows.select_for_update(no_key=True, of=("self",)).first()
    return found
