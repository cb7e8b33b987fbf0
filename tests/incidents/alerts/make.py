"""Makes sources and payloads for tests, and has the inbox worked through."""

import itertools
import json
from typing import Any

from config.organisation.models import Team
from incidents.alerts.models import Adapter, Alert, IngestSource, RawPayload
from incidents.alerts.operations import Issued, create_source
from incidents.alerts.processing import drain_inbox as drain_inbox
from incidents.lifecycle.models import Incident
from tests.config import make
from tests.incidents import make as make_incidents

_numbers = itertools.count(1)


def issued(adapter: str = Adapter.GENERIC, *, team: Team | None = None, **fields: Any) -> Issued:
    """A source with its token."""
    make_incidents.triage_team()
    fields = {"name": f"source {next(_numbers)}", **fields}
    return create_source(adapter=adapter, team=team or make.team(), actor=make.system(), **fields)


def source(adapter: str = Adapter.GENERIC, **fields: Any) -> IngestSource:
    """A source."""
    return issued(adapter, **fields).source


def payload(source: IngestSource, body: Any, **fields: Any) -> RawPayload:
    """A body in the inbox: bytes as they are, anything else as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return RawPayload.objects.create(
        source=source, body=raw, **{"adapter": source.adapter, **fields}
    )


def received(source: IngestSource, body: Any, **fields: Any) -> RawPayload:
    """A body that has come in and was worked through."""
    row = payload(source, body, **fields)
    drain_inbox()
    row.refresh_from_db()
    return row


def firing(key: str = "disk", **fields: Any) -> dict[str, Any]:
    """A generic alert that fires."""
    return {"dedup_key": key, "title": f"Alert {key}", **fields}


def resolved(key: str = "disk", **fields: Any) -> dict[str, Any]:
    """The end of a generic alert."""
    return {"dedup_key": key, "status": "resolved", **fields}


def group(*alerts: dict[str, Any], key: str = "{}:{alertname='Down'}") -> dict[str, Any]:
    """A notification of Alertmanager."""
    status = "firing" if any(a["status"] == "firing" for a in alerts) else "resolved"
    return {"version": "4", "groupKey": key, "status": status, "alerts": list(alerts)}


def member(name: str, status: str = "firing", **fields: Any) -> dict[str, Any]:
    """One alert of such a notification."""
    labels = {"alertname": "Down", "instance": name, **fields.pop("labels", {})}
    return {"fingerprint": name, "status": status, "labels": labels, **fields}


def only_incident() -> Incident:
    """The one that there is."""
    return Incident.objects.get()


def only_alert() -> Alert:
    """The one that there is."""
    return Alert.objects.get()


def effects(payload: RawPayload) -> list[str]:
    """What became of each alert of a payload."""
    return [entry["effect"] for entry in payload.outcome if "effect" in entry]


def lines(incident: Incident) -> list[str]:
    """The first lines of the timeline's entries."""
    return [entry.text.split("\n")[0] for entry in incident.timeline.order_by("id")]
