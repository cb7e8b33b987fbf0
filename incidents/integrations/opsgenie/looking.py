"""What Opsgenie's clients may ask: what became of a request, and how an alert is.

A token reads what its own source has sent, and nothing of what people made of it.
"""

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from incidents.alerts.adapters import PATH, Question
from incidents.alerts.models import PayloadState
from incidents.alerts.rules import Status, digest
from incidents.integrations.opsgenie.addresses import place_of
from incidents.taxonomy.models import Level

type Row = tuple[Any, ...] | None
type Answer = tuple[int, Mapping[str, Any]]

REQUEST = f"""
    SELECT id, state, outcome, error, processed_at, headers ->> '{PATH}'
    FROM incidents_rawpayload
    WHERE id = %(id)s AND source_id = %(source)s AND state <> 'new'
"""  # noqa: S608  # nosec B608  (a name of ours)
ALERT = """
    SELECT dedup_key, title, description, state, level, count, labels, starts_at, last_seen_at
    FROM incidents_alert
    WHERE fingerprint = %(fingerprint)s AND source_id = %(source)s
"""
PRIORITIES = {Level.CRITICAL: "P1", Level.ERROR: "P2", Level.WARNING: "P3", Level.INFO: "P4"}
LARGEST = 2**63 - 1


def request_id(stored: int) -> str:
    """The number of a stored payload as clients know it: a UUID."""
    return str(uuid.UUID(int=stored))


def request_of(token: str, name: str) -> Question:
    """What became of a request; while it waits to be read, Opsgenie says 404 too."""
    return Question(token, REQUEST, {"id": _number(name)}, lambda row: _request(name, row))


def alert_of(token: str, alias: str) -> Question:
    """How the alert is that was sent under an alias."""
    return Question(token, ALERT, {"fingerprint": digest(alias)}, _alert)


def _number(name: str) -> int:
    try:
        number = uuid.UUID(name).int
    except ValueError:
        return 0
    return number if number <= LARGEST else 0


def _request(name: str, row: Row) -> Answer:
    if row is None:
        return _missing("Request not found. It might not be processed, yet.", name)
    _, state, outcome, error, processed_at, path = row
    done = state == PayloadState.DONE
    alias = next((entry["dedup_key"] for entry in outcome if entry.get("dedup_key")), "")
    action = (place_of(path or "").action or "create").capitalize()
    data = {
        "success": done,
        "isSuccess": done,
        "action": action,
        "status": f"{action}: done" if done else error.split("\n")[0],
        "processedAt": _time(processed_at),
        "alertId": alias,
        "alias": alias,
    }
    return 200, {"data": data, "took": 0.0, "requestId": name}


def _alert(row: Row) -> Answer:
    if row is None:
        return _missing("Alert does not exist.", str(uuid.uuid4()))
    alias, title, description, state, level, count, labels, starts_at, last_seen_at = row
    data = {
        "id": alias,
        "alias": alias,
        "message": title,
        "description": description,
        "status": "open" if state == Status.FIRING else "closed",
        "priority": PRIORITIES[Level(level)],
        "count": count,
        "details": labels,
        "createdAt": _time(starts_at),
        "lastOccurredAt": _time(last_seen_at),
    }
    return 200, {"data": data, "took": 0.0, "requestId": str(uuid.uuid4())}


def _missing(message: str, name: str) -> Answer:
    return 404, {"message": message, "took": 0.0, "requestId": name}


def _time(moment: datetime.datetime | None) -> str | None:
    return moment.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z") if moment else None
