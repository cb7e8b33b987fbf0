"""The story of an incident: timeline and history as one list, each change with its fields."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from config.apikit.history import described
from config.organisation.models import User
from config.origin import Origin
from incidents.lifecycle.models import Incident
from incidents.timeline.models import EntryKind, TimelineEntry
from incidents.timeline.rules import html

CHANGE = "change"
KINDS = {kind.value: str(kind.label) for kind in EntryKind} | {CHANGE: "Change of fields"}
SHOWN = 400
# A history row is written just before the line of the same operation.
SAME_OPERATION = datetime.timedelta(seconds=2)
HIDDEN_FIELDS = ("number", "severity_version", "severity_findings")


@dataclass
class Line:
    """One line of the page."""

    at: datetime.datetime
    recorded_at: datetime.datetime
    kind: str
    actor: str
    origin: str
    pk: int | None = None
    is_late: bool = False
    html: SafeString | str = ""
    source: str = ""
    reliability: str = ""
    reason: str = ""
    supersedes: int | None = None
    superseded_by: int | None = None
    changes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The kind in words."""
        return KINDS[self.kind]

    @property
    def can_be_corrected(self) -> bool:
        """Lines of people, once."""
        own = self.kind in (CHANGE, EntryKind.SYSTEM)
        return self.pk is not None and not own and self.superseded_by is None


def story(incident: Incident, reader: User, *, kind: str = "") -> list[Line]:
    """Newest first, the latest 400 lines; of one kind where that is asked for."""
    rows = incident.timeline.select_related("actor", "event", "superseded_by")
    entries = list(rows.order_by("-at", "-id")[:SHOWN])
    lines = [_line(entry) for entry in entries]
    rest = _with_changes(lines, _changes(incident, reader))
    found = sorted([*lines, *rest], key=lambda line: (line.at, line.pk or 0), reverse=True)
    return [line for line in found if _is_of(line, kind)]


def way(origin: str) -> str:
    """How it came in, in the words beside the name; nothing for the product's own doing."""
    if origin == Origin.SYSTEM:
        return ""
    label = str(Origin(origin).label)
    return label if label.isupper() else label.lower()


def _is_of(line: Line, kind: str) -> bool:
    return not kind or line.kind == kind or (kind == CHANGE and bool(line.changes))


def _line(entry: TimelineEntry) -> Line:
    successor = getattr(entry, "superseded_by", None)
    return Line(
        at=entry.at,
        recorded_at=entry.recorded_at,
        kind=entry.kind,
        actor=str(entry.actor),
        origin=way(entry.origin),
        pk=entry.pk,
        is_late=entry.is_late,
        # Safe: `html` lets nothing through but its own list of tags.
        html=mark_safe(html(entry.text)),  # noqa: S308  # nosec B308 B703
        source=entry.source,
        reliability=entry.get_reliability_display(),
        supersedes=entry.supersedes_id,
        superseded_by=successor.pk if successor else None,
    )


def _changes(incident: Incident, reader: User) -> list[Line]:
    rows = incident.history.select_related("history_user")
    page = list(rows.order_by("-history_id")[:SHOWN])
    found = described(page, rows, reader, HIDDEN_FIELDS)
    return [
        Line(
            at=row.history_date,
            recorded_at=row.history_date,
            kind=CHANGE,
            actor=str(row.history_user or ""),
            origin=way(row.origin),
            reason=change["reason"],
            changes=change["changes"],
        )
        for row, change in zip(page, found, strict=True)
        if change["changes"]
    ]


def _with_changes(lines: Iterable[Line], changes: list[Line]) -> list[Line]:
    """Hang each change on the line of its operation; those without a line stand alone."""
    system = sorted(
        (line for line in lines if line.kind == EntryKind.SYSTEM), key=lambda line: line.recorded_at
    )
    alone = []
    for change in reversed(changes):
        line = next((line for line in system if _is_same(line, change)), None)
        if line is None:
            alone.append(change)
        else:
            line.changes = change.changes
    return alone


def _is_same(line: Line, change: Line) -> bool:
    delay = line.recorded_at - change.recorded_at
    near = datetime.timedelta(0) <= delay < SAME_OPERATION
    return near and not line.changes and line.actor == change.actor
