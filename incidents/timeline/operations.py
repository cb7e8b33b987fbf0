"""Writing on the timeline: what the product records, and what people and tools add."""

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import models, transaction

from config import clock, origin
from config.audit.tracking import lock
from config.errors import Invalid, Refused
from config.events.operations import compose, publish
from config.organisation.models import User
from incidents.timeline.models import EntryKind, Reliability, TimelineEntry
from incidents.timeline.rules import moment

if TYPE_CHECKING:
    from incidents.lifecycle.models import Incident  # a higher room: for the types alone

# What people and tools write; `system` is the product's own voice.
NOTE_KINDS = tuple(kind for kind in EntryKind if kind != EntryKind.SYSTEM)
TEXT_LIMIT = 20_000


def record(
    incident: "Incident",
    kind: str,
    *,
    actor: User,
    text: str = "",
    at: datetime.datetime | None = None,
    entry_kind: EntryKind = EntryKind.SYSTEM,
    reason: str = "",
    reliability: Reliability = Reliability.CONFIRMED,
    source: str = "",
    supersedes: TimelineEntry | None = None,
    along: Sequence[models.Model] = (),
    **data: Any,
) -> TimelineEntry:
    """Record an event of the incident, and the line that tells of it.

    Call it inside the operation's transaction. Without `text` the line is made of the kind.
    `along` are new rows that come with it, inserted by the same statement.
    """
    event = compose(kind, incident, actor=actor, at=at, reason=reason, **data)
    line = TimelineEntry(
        incident=incident,
        event=event,
        kind=entry_kind,
        text=text or kind.rsplit(".", 1)[-1].replace("_", " ").capitalize(),
        at=event.at,
        recorded_at=event.recorded_at,
        actor=actor,
        origin=event.origin,
        source=source or origin.said_for("", actor.pk).strip("()"),
        reliability=reliability,
        supersedes=supersedes,
    )
    publish(event, line, *along)
    return line


@transaction.atomic
def add_note(
    incident: "Incident",
    *,
    actor: User,
    text: str,
    kind: str = EntryKind.OBSERVATION,
    at: datetime.datetime | None = None,
    supersedes: TimelineEntry | None = None,
) -> TimelineEntry:
    """Write a line, in any state of the incident; or correct one, which stays to be read.

    Raises `Invalid` for an empty text, a kind that isn't theirs, or a wrong time; `Refused`
    (`timeline_superseded`) where the line was corrected before: correct its correction.
    """
    if not text.strip():
        raise Invalid("Write what happened.", field="text")
    if len(text) > TEXT_LIMIT:
        raise Invalid(f"Write at most {TEXT_LIMIT} characters.", field="text")
    if kind not in NOTE_KINDS:
        raise Invalid(f"Choose one of {', '.join(NOTE_KINDS)}.", field="kind")
    when = moment(at, now=clock.now())
    if supersedes is not None:
        _check_correction(incident, supersedes)
    return record(
        incident,
        "timeline.corrected" if supersedes else "timeline.noted",
        actor=actor,
        text=text.strip(),
        at=when,
        entry_kind=EntryKind(kind),
        supersedes=supersedes,
    )


def _check_correction(incident: "Incident", entry: TimelineEntry) -> None:
    # Two corrections at once: the second waits here, and then sees the first.
    lock(incident)
    if entry.incident_id != incident.pk:
        raise Invalid("This line belongs to another incident.", field="supersedes")
    if entry.kind == EntryKind.SYSTEM:
        raise Invalid(
            "Lines of the system stay as they are; add a line that says what is right.",
            field="supersedes",
        )
    if TimelineEntry.objects.filter(supersedes=entry).exists():
        raise Refused(
            "This line was corrected already; correct the correction.",
            code="timeline_superseded",
        )
