"""One attempt to send one message: prepare from the state now, the network, then mark it.

The network comes between two transactions, so a crash in between sends the message again, once,
under the same key.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import structlog
from django.db import connection, transaction

from config import clock
from config.due import mail, webhook
from config.due.answers import Answer, failed, sent
from config.due.faults import reach
from config.due.leases import Lease, is_ours
from config.due.models import AttemptOutcome, Channel, OutboundMessage
from config.due.operations import Outbound, Send, Skip, outbound_purpose, subject_of
from config.due.performing import announce_death, apart
from config.due.rules import parked
from config.due.settling import Answered, settle, what_of

log = structlog.get_logger(__name__)

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
        _park(message, parked(f"{what_of(message)} by {message.channel}"))
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
    settle(Answered(message, lease, registration, answer, began))


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
def _park(message: OutboundMessage, text: str) -> None:
    mine = OutboundMessage.objects.open().filter(pk=message.pk, token=message.token)
    if mine.update(dead_at=clock.now(), token=None, last_error=text):
        log.error("message is a dead letter", message=str(message.pk), reason=text)
        apart(announce_death, "outbox", message, subject_of(message), what_of(message), text)
