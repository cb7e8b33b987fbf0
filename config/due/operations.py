"""Promising things for later, and the registries of what falls due."""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.apps import apps
from django.db import connection, models, transaction

from config import clock
from config.audit.tracking import append
from config.due.announcing import announce
from config.due.models import Channel, DueRow, OutboundMessage, Timer
from config.due.rules import DELAYS, Delays
from config.errors import Refused

if TYPE_CHECKING:
    from config.organisation.models import User

TimerEffect = Callable[[Timer, Any], None]
TimerEffects = Callable[[Sequence[tuple[Timer, Any]]], None]
Lock = Callable[[Timer], models.Model | None]


@dataclass(frozen=True)
class TimerKind:
    """What a kind of timer registers."""

    effect: TimerEffect
    lock: Lock | None = None
    retries: Delays = DELAYS
    died: TimerEffect | None = None
    elapsed: bool = False
    many: TimerEffects | None = None


@dataclass(frozen=True)
class Send:
    """What to send now: made in the sending thread from the state it just read."""

    subject: str = ""
    text: str = ""
    html: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    json: dict[str, Any] | None = None


@dataclass(frozen=True)
class Skip:
    """The message isn't needed any more, for this reason."""

    reason: str


Prepare = Callable[[OutboundMessage], Send | Skip]


@dataclass(frozen=True)
class Outbound:
    """What a purpose registers: how a message is made, and who is told how it ended.

    `sent_many` does at once what `sent` does for each: when it fails, they are done one by one.
    `retries` are the seconds before each further attempt. Urgent messages have threads of their
    own, so that a flood of others never makes them wait.
    """

    prepare: Prepare
    sent: Callable[[OutboundMessage], None] | None = None
    sent_many: Callable[[Sequence[OutboundMessage]], None] | None = None
    failed: Callable[[OutboundMessage], None] | None = None
    retries: Delays = DELAYS
    urgent: bool = False


_timers: dict[str, TimerKind] = {}
_purposes: dict[str, Outbound] = {}


# By one statement: who schedules again need not look first.
PROMISE = """
    INSERT INTO config_timer AS t
        (kind, key, root_type, root_id, due_at, next_at, data, attempts, last_error)
    VALUES {rows}
    ON CONFLICT (kind, key) WHERE done_at IS NULL AND dead_at IS NULL
    DO UPDATE SET due_at = excluded.due_at, next_at = excluded.next_at, data = excluded.data,
        token = NULL, attempts = 0, last_error = ''
    RETURNING t.*
"""
PLACES = "(%s, %s, %s, %s, %s, %s, %s, 0, '')"


class KindTaken(RuntimeError):
    """Two effects were registered for one kind."""


def timer(
    kind: str,
    *,
    lock: Lock | None = None,
    retries: Delays = DELAYS,
    died: TimerEffect | None = None,
    elapsed: bool = False,
    many: TimerEffects | None = None,
) -> Callable[[TimerEffect], TimerEffect]:
    """Register the effect of a kind of timer.

    It runs as `effect(timer, root)` in a transaction in which the root row was locked first
    (root first, always), then the timer, which counts as done from there on: the effect may
    schedule the same key again. Database only; exactly once; not at all when the root is gone.
    `lock` finds and locks another root; `died` is the fallback when all `retries` have failed.
    `many` does at once what the effect does for each, given pairs of timer and root, no two of one
    root: for kinds that fall due by the dozen; when it fails, they are done one by one.
    `elapsed` says that it waits for so many minutes, not for an instant: it keeps doing so when
    the database's clock is set back.
    """

    def register(effect: TimerEffect) -> TimerEffect:
        if kind in _timers and _timers[kind].effect is not effect:
            raise KindTaken(kind)
        _timers[kind] = TimerKind(effect, lock, retries, died, elapsed, many)
        return effect

    return register


def outbound(purpose: str, registration: Outbound) -> None:
    """Register how messages of a purpose are made, and what follows from their end.

    `sent` and `failed` run in the transaction that marks the message, after its root was locked.
    """
    if _purposes.get(purpose, registration) is not registration:
        raise KindTaken(purpose)
    _purposes[purpose] = registration


def timer_kind(kind: str) -> TimerKind | None:
    """What the kind registered; None parks the timer."""
    return _timers.get(kind)


def outbound_purpose(purpose: str) -> Outbound | None:
    """The registered purpose; None parks the message."""
    return _purposes.get(purpose)


def elapsed_kinds() -> list[str]:
    """The kinds of timers that wait for a time to pass."""
    return sorted(name for name, kind in _timers.items() if kind.elapsed)


def registered() -> dict[str, list[str]]:
    """The names of all kinds of timers and purposes of messages."""
    return {"timer": sorted(_timers), "outbound": sorted(_purposes)}


@dataclass(frozen=True)
class Promise:
    """What `schedule` is asked for."""

    kind: str
    root: models.Model
    due_at: datetime.datetime
    key: str = ""
    data: dict[str, Any] = field(default_factory=dict)

    def values(self) -> list[Any]:
        """For the places of `PROMISE`."""
        label = self.root._meta.label_lower
        given = {
            "kind": self.kind,
            "key": self.key or f"{label}:{self.root.pk}",
            "root_type": label,
            "root_id": self.root.pk,
            "due_at": self.due_at,
            "next_at": self.due_at,
            "data": self.data,
        }
        columns = {column.name: column for column in Timer._meta.concrete_fields}
        return [columns[name].get_db_prep_save(each, connection) for name, each in given.items()]


def schedule(
    kind: str, root: models.Model, due_at: datetime.datetime, *, key: str = "", **data: Any
) -> Timer:
    """Promise the effect of `kind` for `root` at that time.

    One open timer per kind and key (by default the root): scheduling again moves it. The
    caller holds the root's lock.
    """
    return schedule_all([Promise(kind, root, due_at, key, data)])[0]


def schedule_all(promises: Sequence[Promise]) -> list[Timer]:
    """The same for several, no two of one kind and key."""
    if not promises:
        return []
    text = PROMISE.format(rows=", ".join([PLACES] * len(promises)))
    values = [value for promise in promises for value in promise.values()]
    return list(Timer._base_manager.raw(text, values))


def cancel(kind: str, root: models.Model, *, key: str = "") -> int:
    """Take back the open timers of the kind (all of the root's, or the one of `key`)."""
    rows = Timer.objects.open().filter(kind=kind, root_type=root._meta.label_lower, root_id=root.pk)
    if key:
        rows = rows.filter(key=key)
    return rows.update(done_at=clock.now())


def send_later(
    purpose: str,
    root: models.Model,
    *,
    channel: Channel,
    address: str,
    due_at: datetime.datetime | None = None,
    **data: Any,
) -> OutboundMessage:
    """Promise a message in the caller's transaction; its id is the idempotency key."""
    message = draft(purpose, root, channel=channel, address=address, due_at=due_at, **data)
    append(message)
    return message


def draft(
    purpose: str,
    root: models.Model,
    *,
    channel: Channel,
    address: str,
    due_at: datetime.datetime | None = None,
    **data: Any,
) -> OutboundMessage:
    """The message as `send_later` would promise it, for who inserts it along with other rows."""
    moment = due_at or clock.now()
    registration = outbound_purpose(purpose)
    return OutboundMessage(
        purpose=purpose,
        channel=channel,
        address=address,
        provider=provider_of(channel, address),
        urgent=registration is not None and registration.urgent,
        root_type=root._meta.label_lower,
        root_id=root.pk,
        due_at=moment,
        next_at=moment,
        data=data,
    )


def provider_of(channel: str, address: str) -> str:
    """Whose slowness the message would share: one mail server, or one host and port."""
    if channel != Channel.WEBHOOK:
        return channel
    try:
        parts = urlsplit(address)
        return f"{channel} {(parts.hostname or '').lower()}:{parts.port or parts.scheme}"[:300]
    except ValueError:
        return channel  # the attempt itself will say what is wrong with the address


def root_of(row: Timer | OutboundMessage) -> models.Model | None:
    """The row that must be locked before the due row; None when it is gone."""
    model = apps.get_model(row.root_type)
    found: models.Model | None = model._base_manager.filter(pk=row.root_id).first()
    return found


def locked_root(row: Timer | OutboundMessage) -> models.Model | None:
    """The root, locked for the transaction; None when it is gone."""
    rows = apps.get_model(row.root_type)._base_manager.select_for_update(no_key=True, of=("self",))
    found: models.Model | None = rows.filter(pk=row.root_id).first()
    return found


def subject_of(row: Timer | OutboundMessage) -> models.Model | None:
    """The root for an event about the row, where its code is still installed."""
    try:
        return root_of(row)
    except LookupError:
        return None


@transaction.atomic
def retry(row: DueRow, *, actor: "User", reason: str = "") -> None:
    """Open a dead letter again, with all its attempts before it. Due at once."""
    row.refresh_from_db(from_queryset=type(row).objects.select_for_update())
    if row.is_open or row.done_at is not None:
        raise Refused("Only a dead letter can be tried again; this one is open or done.")
    if isinstance(row, Timer) and Timer.objects.open().filter(kind=row.kind, key=row.key).exists():
        raise Refused(f"Another timer for {row.key} is open already, so this one isn't needed.")
    before = row.last_error
    row.dead_at, row.token, row.attempts, row.last_error = None, None, 0, ""
    row.next_at = clock.now()
    if isinstance(row, OutboundMessage):
        row.outcome = ""
    row.save()
    announce(
        "due.retried",
        subject_of(row) if isinstance(row, Timer | OutboundMessage) else None,
        actor=actor,
        reason=reason,
        table=row._meta.model_name,
        row=str(row.pk),
        what=str(row)[:200],
        error=before,
    )
