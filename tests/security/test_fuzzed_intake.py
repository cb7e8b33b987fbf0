"""The inbox takes whatever comes: it becomes alerts, or waits in quarantine; nothing is lost."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import clock
from incidents.alerts import adapters
from incidents.alerts.models import Adapter, Alert, PayloadState
from incidents.alerts.rules import Unreadable
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from tests.access.asking import undone
from tests.incidents.alerts import make
from tests.security import hostile

MIB = 1024 * 1024
MOST_MEMORY = 100 * MIB
NAMES = st.sampled_from(
    [
        *("status", "labels", "annotations", "fingerprint", "startsAt", "endsAt", "generatorURL"),
        *("dedup_key", "title", "level", "service", "description", "links", "starts_at", "href"),
        *("event_action", "payload", "summary", "severity", "timestamp", "custom_details"),
        *("message", "alias", "details", "tags", "priority", "source", "entity", "note"),
    ]
)
WORDS = st.sampled_from(["firing", "resolved", "trigger", "resolve", "P1", "critical", "http://a"])
LABELS = st.dictionaries(hostile.texts, hostile.documents, max_size=4)
ENTRIES = st.dictionaries(NAMES, st.one_of(WORDS, LABELS, hostile.documents), max_size=8)
DOCUMENTS = st.one_of(
    ENTRIES,
    st.lists(ENTRIES, max_size=3),
    st.builds(lambda alerts, rest: {**rest, "alerts": alerts}, st.lists(ENTRIES, max_size=3),
              ENTRIES),
    st.builds(lambda payload, rest: {**rest, "event_action": "trigger", "dedup_key": "k",
                                     "payload": payload}, ENTRIES, ENTRIES),
)  # fmt: skip
PATHS = st.one_of(
    st.just("/v2/alerts"),
    hostile.texts.map(lambda text: f"/v2/alerts/{hostile.quoted(text[:200])}/close"),
    hostile.texts.map(lambda text: f"/v2/alerts/a/{hostile.quoted(text[:200])}"),
)


@pytest.mark.parametrize("adapter", Adapter.values)
def test_loses_nothing_whatever_the_document_is(checkout: Service, adapter: str):
    source = make.source(adapter, service=checkout)

    @hostile.some(60)
    @given(document=DOCUMENTS, path=PATHS)
    def receive(document: Any, path: str) -> None:
        body = json.dumps(document).encode()
        undone(lambda: check(make.received(source, body, headers={adapters.PATH: path}), body))

    receive()


@pytest.mark.parametrize("adapter", Adapter.values)
def test_loses_nothing_whatever_the_bytes_are(checkout: Service, adapter: str):
    source = make.source(adapter, service=checkout)

    @hostile.some(25)
    @given(body=st.binary(max_size=200))
    def receive(body: bytes) -> None:
        undone(lambda: check(make.received(source, body), body))

    receive()


def check(payload: Any, body: bytes) -> None:
    """It was read, or stands in quarantine with a reason, body and all; what came of it fits."""
    assert payload.state in (PayloadState.DONE, PayloadState.QUARANTINED)
    assert bytes(payload.body) == body
    assert bool(payload.error) is (payload.state == PayloadState.QUARANTINED)
    assert "Error: " not in payload.error  # of a parser that failed instead of refusing
    effects = [entry for entry in payload.outcome if entry.get("alert")]
    assert {entry["alert"] for entry in effects} >= set(Alert.objects.values_list("pk", flat=True))
    for incident in Incident.objects.all():
        incident.full_clean(exclude=["search"])


HEAVY = {
    "objects": b'{"alerts":[' + b"{}," * 340_000 + b"{}]}",
    "lists": b"[" + b"[]," * 340_000 + b"[]]",
    "labels": b'{"alerts":[{"labels":{%s}}]}' % b",".join(b'"%d":1' % n for n in range(90_000)),
    "alerts": b'{"alerts":[' + b'{"fingerprint":"1"},' * 50_000 + b"{}]}",
    "deep": b"[" * 500_000 + b"]" * 500_000,
    "escapes": b'{"message":"' + b"\\u0000" * 170_000 + b'"}',
}


@pytest.mark.parametrize("adapter", Adapter.values)
@pytest.mark.parametrize("name", HEAVY)
def test_reads_a_large_body_within_bounds(adapter: str, name: str):
    tracemalloc.start()
    try:
        adapters.read(adapter, HEAVY[name], clock.now(), "/v2/alerts")
    except Unreadable:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert peak < MOST_MEMORY
