"""The two statements of a batch: alerts counted up, payloads marked.

Sorted by key, so that two batches never wait for each other in a circle.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import connection

from config import clock
from incidents.alerts.models import IngestSource, RawPayload
from incidents.alerts.rules import (
    DESCRIPTION_LENGTH,
    KEY_LENGTH,
    TITLE_LENGTH,
    credible_start,
    group_digest,
)

if TYPE_CHECKING:
    from incidents.alerts.batches import Tally

_COLUMNS = {
    "fingerprint": "text",
    "dedup_key": "text",
    "group_digest": "text",
    "title": "text",
    "description": "text",
    "level": "text",
    "service_id": "bigint",
    "team_id": "bigint",
    "count": "integer",
    "first_seen_at": "timestamptz",
    "last_seen_at": "timestamptz",
    "starts_at": "timestamptz",
    "labels": "jsonb",
    "links": "jsonb",
}
_ARRAYS = ", ".join(
    f"%({name})s::{'text' if kind == 'jsonb' else kind}[]" for name, kind in _COLUMNS.items()
)
_VALUES = ", ".join(f"n.{name}::{kind}" for name, kind in _COLUMNS.items())
_LATEST = (
    "title",
    "description",
    "level",
    "group_digest",
    "service_id",
    "team_id",
    "labels",
    "links",
)
# An alert that fired on keeps its beginning; one that had cleared begins anew.
UPSERT = f"""
    INSERT INTO incidents_alert AS a (source_id, state, {", ".join(_COLUMNS)})
    SELECT %(source)s, 'firing', {_VALUES}
    FROM unnest({_ARRAYS}) AS n ({", ".join(_COLUMNS)})
    ORDER BY n.fingerprint
    ON CONFLICT (source_id, fingerprint) DO UPDATE SET
        count = a.count + excluded.count,
        last_seen_at = greatest(a.last_seen_at, excluded.last_seen_at),
        starts_at = CASE WHEN a.state = 'firing' THEN a.starts_at ELSE excluded.starts_at END,
        state = 'firing', ends_at = NULL, resolve_pending_at = NULL,
        {", ".join(f"{name} = excluded.{name}" for name in _LATEST)}
"""  # noqa: S608  # nosec B608  (made of the names above alone)
FINISH = """
    UPDATE incidents_rawpayload AS r
    SET state = n.state, outcome = n.outcome::jsonb, error = n.error, processed_at = %(at)s
    FROM unnest(%(id)s::bigint[], %(state)s::text[], %(outcome)s::text[], %(error)s::text[])
        AS n (id, state, outcome, error)
    WHERE r.id = n.id
"""


def upsert(source: IngestSource, tallies: "Sequence[Tally]") -> None:
    """Insert or count up every alert that fires."""
    if not tallies:
        return
    rows = [_row(source, tally) for tally in sorted(tallies, key=lambda each: each.fingerprint)]
    arrays = {name: [row[name] for row in rows] for name in _COLUMNS}
    with connection.cursor() as cursor:
        cursor.execute(UPSERT, {"source": source.pk, **arrays})


def _row(source: IngestSource, tally: "Tally") -> dict[str, Any]:
    first, last = tally.firing[0], tally.firing[-1]
    service, said = tally.service, last.alert
    return {
        "fingerprint": tally.fingerprint,
        "dedup_key": said.dedup_key[:KEY_LENGTH],
        "group_digest": group_digest(said, service.pk if service else None),
        "title": said.title[:TITLE_LENGTH],
        "description": said.description[:DESCRIPTION_LENGTH],
        "level": said.level,
        "service_id": service.pk if service else None,
        "team_id": service.team_id if service else source.team_id,
        "count": len(tally.firing),
        "first_seen_at": first.received_at,
        "last_seen_at": last.received_at,
        "starts_at": credible_start(first.alert.starts_at, first.received_at),
        "labels": json.dumps(said.labels),
        "links": json.dumps(list(said.links)),
    }


def finish(payloads: Sequence[RawPayload]) -> None:
    """Write down what became of each payload."""
    ordered = sorted(payloads, key=lambda each: each.pk)
    with connection.cursor() as cursor:
        cursor.execute(
            FINISH,
            {
                "at": clock.now(),
                "id": [payload.pk for payload in ordered],
                "state": [str(payload.state) for payload in ordered],
                "outcome": [json.dumps(payload.outcome) for payload in ordered],
                "error": [payload.error for payload in ordered],
            },
        )
