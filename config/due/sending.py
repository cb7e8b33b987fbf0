"""One attempt to send one message: prepare from the state now, the network, then mark it.

The network comes between two transactions, so a crash in between sends the message again, once,
under the same key. What the provider answered is stored before anything is built on it.
"""

import copy
import datetime
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import structlog
from django.apps import apps
from django.db import DatabaseError, InterfaceError, connection, models, transaction

from config import clock
from config.audit.tracking import append
from config.due import mail, webhook
from config.due.answers import Answer, failed, sent
from config.due.faults import reach
from config.due.leases import Lease, after, bound_transaction, held, is_ours, is_shortage, readable
from config.due.models import Attempt, AttemptOutcome, Channel, OutboundMessage
from config.due.operations import Outbound, Send, Skip, outbound_purpose, subject_of
from config.due.performing import LAST_PATIENCE, announce_death, apart
from config.due.rules import DELAYS, delay_after, parked

log = structlog.get_logger(__name__)

SETTLE_TRIES = 20
SETTLE_PAUSE = 0.5

type Transport = Callable[[OutboundMessage, Send], Answer]

_transports: dict[str, Transport] = {Channel.MAIL: mail.post, Channel.WEBHOOK: webhook.post}


@dataclass(frozen=True)
class Captured:
    """A message that would have gone out."""

    message: OutboundMessage
    send: Send


_captured: ContextVar[list[Captured] | None] = ContextVar("captured_sends", default=None)


@contextmanager
def capture_sends() -> Iterator[list[Captured]]:
    """Nothing leaves the house inside: what would have is in the list, and counts as sent."""
    caught: list[Captured] = []
    token = _captured.set(caught)
    try:
        yield caught
    finally:
        _captured.reset(token)


def is_captured() -> bool:
    """Whether this thread is inside `capture_sends`."""
    return _captured.get() is not None


def transport(channel: str) -> Callable[[Transport], Transport]:
    """Register how messages of one more channel are sent. It returns an Answer and never raises."""

    def register(function: Transport) -> Transport:
        _transports[channel] = function
        return function

    return register


def knows(message: OutboundMessage) -> bool:
    """Whether the code that makes and sends it is installed here."""
    return outbound_purpose(message.purpose) is not None and message.channel in _transports


def attempt(lease: Lease) -> None:
    """Try once. Raises only when the database connection is gone."""
    message: OutboundMessage = lease.row
    if not is_ours(OutboundMessage, lease):
        return
    registration = outbound_purpose(message.purpose)
    if registration is None or not knows(message):
        _park(message, parked(f"{_what(message)} by {message.channel}"))
        return
    began = clock.now()
    try:
        answer = _answer(message, registration)
    except Exception as error:
        if not connection.is_usable():
            raise
        log.exception("making a message failed", message=str(message.pk), purpose=message.purpose)
        answer = failed(f"{type(error).__name__}: {error}")
    reach("after_answer_before_done")
    _settle_surely(message, lease, registration, answer, began)


def _settle_surely(message: OutboundMessage, lease: Lease, *rest: Any) -> None:
    """Settle it, through deadlocks and restarts of the database: giving up would send it twice."""
    for remaining in reversed(range(SETTLE_TRIES)):
        try:
            _settle(message, lease, *rest)
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


def _answer(message: OutboundMessage, registration: Outbound) -> Answer | Skip:
    if message.outcome in (AttemptOutcome.SENT, AttemptOutcome.REFUSED):
        # It was answered before, and what follows from that failed: the provider has done its part.
        return Answer(AttemptOutcome(message.outcome), message.last_error)
    if message.attempts > len(registration.retries) + 1:
        return failed(f"{message.attempts - 1} attempts ended without a trace.")
    prepared = registration.prepare(message)
    if isinstance(prepared, Skip):
        return prepared
    if (caught := _captured.get()) is not None:
        caught.append(Captured(message, prepared))
        return sent("captured")
    return _transports[message.channel](message, prepared)


@transaction.atomic
def _settle(
    message: OutboundMessage,
    lease: Lease,
    registration: Outbound,
    answer: Answer | Skip,
    began: datetime.datetime,
) -> None:
    """Write down the attempt, and mark the message if the lease is still ours."""
    bound_transaction(LAST_PATIENCE)
    root = _locked_root(message)
    if message.outcome not in (AttemptOutcome.SENT, AttemptOutcome.REFUSED):
        _note(message, answer, began)
    row = copy.copy(message)  # should this be tried again, the message is as it was
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


def _note(message: OutboundMessage, answer: Answer | Skip, began: datetime.datetime) -> None:
    if isinstance(answer, Skip):
        outcome, text = AttemptOutcome.SKIPPED, answer.reason
    else:
        outcome, text = answer.outcome, answer.text
    row = Attempt(
        message_id=message.pk,
        number=message.attempts,
        began_at=began,
        ended_at=clock.now(),
        outcome=outcome,
        answer=readable(text),
    )
    append(row)
    log.info(
        "attempt to send", message=str(message.pk), purpose=message.purpose, outcome=str(outcome)
    )


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
        apart(announce_death, "outbox", row, root, _what(row), row.last_error)


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


@transaction.atomic
def _park(message: OutboundMessage, text: str) -> None:
    mine = OutboundMessage.objects.open().filter(pk=message.pk, token=message.token)
    if mine.update(dead_at=clock.now(), token=None, last_error=text):
        log.error("message is a dead letter", message=str(message.pk), reason=text)
        apart(announce_death, "outbox", message, subject_of(message), _what(message), text)


def _what(message: OutboundMessage) -> str:
    return f"the message {message.purpose}"


def _locked_root(message: OutboundMessage) -> models.Model | None:
    """Its root, locked. What it is called is read where that is needed, which is seldom."""
    try:
        rows = apps.get_model(message.root_type)._base_manager.only("pk")
    except LookupError:
        return None  # its code is gone; that mustn't keep the answer from being stored
    locked = rows.select_for_update(no_key=True, of=("self",))
    found: models.Model | None = locked.filter(pk=message.root_id).first()
    return found
