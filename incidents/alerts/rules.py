"""What an alert is in our terms, its fingerprint, and what its next occurrence does. Pure."""

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import TextChoices

from config.apikit.codes import explain
from config.governance.registry import ListOf, Setting, register

TITLE_LENGTH = 200
KEY_LENGTH = 255
DESCRIPTION_LENGTH = 15_000
# Tools say "unset" with the year 1, and forgotten clocks say 1970.
EARLIEST = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)


TO_INTAKE = register(
    Setting(
        key="alerts.to_intake",
        title="Levels of alerts that a person qualifies first",
        type=ListOf(("critical", "error", "warning", "info")),
        default=[],
        help="Such an alert opens no incident: it is taken in as a report, once, by the same "
        "intake template. What had an incident before, or joins an open one, goes on there.",
    )
)


class Status(TextChoices):
    """What a tool says of a condition, and so the state of our alert."""

    FIRING = "firing", "Firing"
    RESOLVED = "resolved", "Resolved"


class Effect(TextChoices):
    """What became of one alert of a payload."""

    OPENED = "opened", "Opened an incident"
    JOINED = "joined", "Joined an open incident of its group"
    REPORTED = "reported", "Taken in as a report, for a person to qualify"
    ATTACHED = "attached", "Counted on its open incident"
    REOPENED = "reopened", "Reopened its incident"
    CLEARED = "cleared", "Cleared; it will be resolved when it stays so"
    RESOLVED = "resolved", "Resolved"
    IGNORED = "ignored", "Nothing to do"
    QUARANTINED = "quarantined", "Not readable"


class Unreadable(ValueError):
    """A body, or one alert in it, can't be read; the text tells the sender what to change."""


@dataclass(frozen=True, slots=True)
class NormalisedAlert:
    """One alert as every tool's parser hands it over."""

    dedup_key: str
    title: str
    status: Status = Status.FIRING
    level: str = "warning"
    service: str = ""
    description: str = ""
    labels: Mapping[str, Any] = field(default_factory=dict)
    links: Sequence[Mapping[str, str]] = ()
    starts_at: datetime.datetime | None = None
    ends_at: datetime.datetime | None = None
    group: str = ""


@dataclass(frozen=True, slots=True)
class BadItem:
    """One alert of a list that can't be read, while its neighbours can."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a parser made of a body: the alerts in their order, and those that it could not read."""

    alerts: Sequence[NormalisedAlert]
    bad: Sequence[BadItem] = ()
    notes: Sequence[str] = ()


def digest(*parts: str) -> str:
    """SHA-256 in hex over the parts, which can't run into one another."""
    whole = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        whole.update(len(encoded).to_bytes(8, "big") + encoded)
    return whole.hexdigest()


def fingerprint(alert: NormalisedAlert) -> str:
    """By what an alert is known again, within its source."""
    return digest(alert.dedup_key)


def group_digest(alert: NormalisedAlert, service_id: int | None) -> str:
    """By what alerts belong to one incident: the tool's group, on one service; empty for none."""
    return digest(alert.group, str(service_id or "")) if alert.group else ""


def credible_start(
    stated: datetime.datetime | None, received_at: datetime.datetime
) -> datetime.datetime:
    """When it began: what the tool says, unless its clock is ahead or was never set."""
    if stated is None or stated < EARLIEST or stated > received_at:
        return received_at
    return stated


def credible_end(
    stated: datetime.datetime | None,
    *,
    began_at: datetime.datetime | None,
    received_at: datetime.datetime,
) -> datetime.datetime:
    """When it ended: what the tool says, unless that is in the future or before it began."""
    if stated is None or stated > received_at or stated < (began_at or EARLIEST):
        return received_at
    return stated


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known when an alert fires: of itself, its own incident, and its group's."""

    was_firing: bool = False
    has_incident: bool = False
    incident_open: bool = False
    incident_cancelled: bool = False
    ended_before_it_fired: bool = True
    within_reopen_days: bool = False
    group_open: bool = False


def on_firing(now: Situation) -> Effect:
    """What a firing alert does; the table is in the app's README."""
    if now.incident_open:
        return Effect.ATTACHED
    if now.incident_cancelled and now.was_firing:
        # People said it is no incident: the same episode must not open another at every repeat.
        return Effect.ATTACHED
    if now.has_incident and not now.ended_before_it_fired:
        return Effect.ATTACHED
    if now.group_open:
        return Effect.JOINED
    if now.has_incident and not now.incident_cancelled and now.within_reopen_days:
        return Effect.REOPENED
    return Effect.OPENED


def is_worth_a_note(before: int, after: int) -> bool:
    """Whether the count passed 2, 10, 100, 1,000 ...: the timeline tells of those alone."""
    marks = (2, *(10**power for power in range(1, 10)))
    return any(before < mark <= after for mark in marks)


explain(
    source_inactive=(
        "The source is switched off",
        "Switch it on (`is_active`) before you send it a test alert.",
    ),
    payload_not_quarantined=(
        "Only quarantined payloads can be replayed",
        "The payload is waiting or was read; look at its `outcome`.",
    ),
    too_slow=("The body took too long", "Send the whole body within 30 seconds.", 408),
)
