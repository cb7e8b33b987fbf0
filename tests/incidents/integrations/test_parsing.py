"""Reading what tools send: their shapes, their traps, and whatever else comes."""

import datetime
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import clock
from incidents.alerts import adapters
from incidents.alerts.rules import BadItem, Reading, Status, Unreadable

NOW = datetime.datetime(2026, 11, 21, 8, tzinfo=datetime.UTC)
ADAPTERS = ("alertmanager", "grafana", "generic", "opsgenie", "pagerduty")
# As Alertmanager 0.25 sends it.
NOTIFICATION: dict[str, Any] = {
    "receiver": "watchbill",
    "status": "firing",
    "alerts": [
        {
            "status": "firing",
            "labels": {
                "alertname": "HighLatency",
                "instance": "web-1",
                "service": "checkout",
                "severity": "page",
            },
            "annotations": {
                "summary": "Latency is high",
                "description": "p99 over 2 s",
                "runbook_url": "https://wiki.example.org/latency",
            },
            "startsAt": "2026-11-21T07:58:20.123456789Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example.org/graph?g0.expr=up",
            "fingerprint": "5c1f2a3b4c5d6e7f",
        },
        {
            "status": "resolved",
            "labels": {"alertname": "HighLatency", "instance": "web-2"},
            "annotations": {},
            "startsAt": "2026-11-21T07:00:00+01:00",
            "endsAt": "2026-11-21T07:59:00Z",
            "generatorURL": "",
            "fingerprint": "00aa",
        },
    ],
    "groupLabels": {"alertname": "HighLatency"},
    "commonLabels": {"alertname": "HighLatency"},
    "commonAnnotations": {},
    "externalURL": "http://alertmanager.example.org",
    "version": "4",
    "groupKey": '{}:{alertname="HighLatency"}',
    "truncatedAlerts": 0,
}


def read(adapter: str, document: Any) -> Reading:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return adapters.read(adapter, body, NOW)


def test_reads_a_notification_of_alertmanager():
    first, second = read("alertmanager", NOTIFICATION).alerts

    assert (first.dedup_key, first.title) == ("5c1f2a3b4c5d6e7f", "Latency is high")
    assert (first.status, first.level, first.service) == (Status.FIRING, "critical", "checkout")
    assert first.description == "p99 over 2 s"
    assert first.starts_at == datetime.datetime(
        2026, 11, 21, 7, 58, 20, 123456, tzinfo=datetime.UTC
    )
    assert first.ends_at is None
    assert [link["text"] for link in first.links] == ["Expression", "Runbook", "Alerting tool"]
    assert first.group == '{}:{alertname="HighLatency"}'
    assert (second.status, second.level, second.service) == (Status.RESOLVED, "warning", "")
    assert second.title == "HighLatency on web-2"
    assert second.starts_at == datetime.datetime(2026, 11, 21, 6, tzinfo=datetime.UTC)
    assert second.ends_at == datetime.datetime(2026, 11, 21, 7, 59, tzinfo=datetime.UTC)


def test_reads_grafana_with_its_links():
    alert = {**NOTIFICATION["alerts"][0], "panelURL": "https://g/p", "silenceURL": "https://g/s"}

    (found,) = read("grafana", {**NOTIFICATION, "version": "1", "alerts": [alert]}).alerts

    assert [link["text"] for link in found.links] == [
        *("Expression", "Runbook", "Panel", "Silence it", "Alerting tool")
    ]


def test_knows_an_alert_without_fingerprint_by_its_labels():
    def key(labels: dict[str, str]) -> str:
        return (
            read("alertmanager", {"status": "firing", "alerts": [{"labels": labels}]})
            .alerts[0]
            .dedup_key
        )

    assert key({"a": "1", "b": "2"}) == key({"b": "2", "a": "1"})
    assert key({"a": "1", "b": "2"}) != key({"a": "12", "b": ""})


def test_counts_alerts_beyond_a_thousand():
    alerts = [{"status": "firing", "fingerprint": str(n)} for n in range(2500)]

    assert len(read("alertmanager", {"alerts": alerts}).alerts) == 2500


def test_says_which_alert_of_a_notification_is_bad():
    reading = read("alertmanager", {"alerts": [5, {"labels": {"a": "b"}, "status": "odd"}]})

    assert reading.alerts == []
    assert reading.bad == [
        BadItem(0, "An alert is an object."),
        BadItem(1, "The status is 'odd'; it is 'firing' or 'resolved'."),
    ]


@pytest.mark.parametrize(
    ("word", "level"),
    [
        *(("critical", "critical"), ("PAGE", "critical"), ("error", "error"), ("P2", "error")),
        *(("warn", "warning"), ("none", "warning"), ("info", "info"), (None, "warning")),
    ],
)
def test_translates_levels(word: Any, level: str):
    alert = {"fingerprint": "a", "status": "firing", "labels": {"severity": word}}

    assert read("alertmanager", {"alerts": [alert]}).alerts[0].level == level


def test_reads_the_generic_form():
    (found,) = read(
        "generic",
        {
            "dedup_key": "disk",
            "title": "Disk full",
            "status": "firing",
            "level": "critical",
            "service": "checkout",
            "description": "95 %",
            "labels": {"host": "web-1", "free": 5},
            "links": ["https://example.org/a", {"href": "https://example.org/b", "text": "B"}],
            "starts_at": "2026-11-21T07:00:00Z",
            "something_else": "is fine",
        },
    ).alerts

    assert (found.dedup_key, found.title, found.level) == ("disk", "Disk full", "critical")
    assert (found.service, found.description) == ("checkout", "95 %")
    assert found.labels == {"host": "web-1", "free": 5}
    assert [link["text"] for link in found.links] == ["https://example.org/a", "B"]
    assert found.starts_at == datetime.datetime(2026, 11, 21, 7, tzinfo=datetime.UTC)


def test_needs_a_key_or_a_title_and_has_defaults_for_the_rest():
    by_title, again, by_key = read(
        "generic", [{"title": "Down"}, {"title": "Down"}, {"dedup_key": "x"}]
    ).alerts

    assert by_title.dedup_key == again.dedup_key
    assert (by_title.status, by_title.level) == (Status.FIRING, "warning")
    assert (by_key.dedup_key, by_key.title) == ("x", "x")


@pytest.mark.parametrize(
    ("item", "error"),
    [
        ({}, "Give a 'dedup_key' or a 'title'."),
        ([], "An alert is an object with 'dedup_key' and 'title'."),
        ({"title": "a", "status": "down"}, "'status' is 'down'; send 'firing' or 'resolved'."),
        (
            {"title": "a", "level": "loud"},
            "'level' is 'loud'; send one of critical, error, warning, info.",
        ),
        ({"title": "a", "labels": []}, "'labels' is an object of names and values."),
        (
            {"title": "a", "links": "x"},
            "'links' is a list of addresses, or of objects with 'href' and 'text'.",
        ),
        (
            {"title": "a", "starts_at": "yesterday"},
            "'starts_at': 'yesterday' is not a time; write it like 2026-11-21T08:00:00Z.",
        ),
    ],
)
def test_says_what_is_wrong_with_an_item(item: Any, error: str):
    reading = read("generic", [{"title": "good"}, item])

    assert [alert.title for alert in reading.alerts] == ["good"]
    assert reading.bad == [BadItem(1, error)]


@pytest.mark.parametrize("body", [b"[]", json.dumps([{"title": "a"}] * 1001).encode()])
def test_takes_one_to_a_thousand_generic_alerts(body: bytes):
    with pytest.raises(Unreadable):
        read("generic", body)
    assert len(read("generic", [{"title": "a"}] * 1000).alerts) == 1000


def test_reads_an_event_of_pagerduty():
    event = {
        "routing_key": "[redacted]",
        "event_action": "trigger",
        "dedup_key": "disk-1",
        "client": "Zabbix",
        "client_url": "https://zabbix.example.org",
        "links": [{"href": "https://example.org/run", "text": "Runbook"}],
        "images": [{"src": "https://example.org/i.png", "alt": "Graph"}],
        "payload": {
            "summary": "Disk full",
            "source": "web-1",
            "severity": "critical",
            "component": "checkout",
            "timestamp": "2026-11-21T07:30:00.000+0000",
            "custom_details": {"firing": "Labels: a=b", "num_firing": "1"},
        },
    }

    (found,) = read("pagerduty", event).alerts

    assert (found.dedup_key, found.title) == ("disk-1", "Disk full")
    assert (found.level, found.service) == ("critical", "checkout")
    assert found.description == "Labels: a=b"
    assert found.labels["source"] == "web-1"
    assert [link["text"] for link in found.links] == ["Zabbix", "Runbook", "Graph"]
    assert found.starts_at == datetime.datetime(2026, 11, 21, 7, 30, tzinfo=datetime.UTC)


@pytest.mark.parametrize("time", [{}, [], {"a": 1}, True, "soon", 10**400, "1e999"])
def test_loses_no_alert_over_a_time_that_is_none(time: Any):
    labelled = {"labels": {"a": "b"}, "status": "firing", "startsAt": time}
    event = {"event_action": "trigger", "dedup_key": "a", "payload": {"timestamp": time}}

    found = [
        *read("alertmanager", {"alerts": [labelled]}).alerts,
        *read("pagerduty", event).alerts,
    ]

    assert [alert.starts_at for alert in found] == [None, None]


def test_notes_an_acknowledgement_and_changes_nothing():
    reading = read("pagerduty", {"event_action": "acknowledge", "dedup_key": "a"})

    assert reading.alerts == []
    assert len(reading.notes) == 1


@pytest.mark.parametrize("adapter", ADAPTERS)
@given(body=st.binary(max_size=300))
def test_reads_any_bytes_or_says_that_it_cannot(adapter: str, body: bytes):
    _read_or_refuse(adapter, body)


NASTY = st.sampled_from(
    ["\0", "\ud800", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "1e999", "x" * 5000, ""]
)
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | NASTY
KEYS = st.sampled_from(
    [
        *("alerts", "status", "labels", "annotations", "fingerprint", "startsAt", "endsAt"),
        *("groupKey", "dedup_key", "title", "level", "service", "links", "starts_at", "href"),
        *("event_action", "payload", "summary", "severity", "timestamp", "custom_details"),
        *("truncatedAlerts", "generatorURL", "alertname", "images", "src", "description"),
    ]
)
WORDS = st.sampled_from(["firing", "resolved", "trigger", "resolve", "https://a", "critical"])
DOCUMENT = st.recursive(
    SCALAR | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=8),
    max_leaves=25,
)


@pytest.mark.parametrize("adapter", ADAPTERS)
@given(document=DOCUMENT)
def test_reads_any_json_or_says_that_it_cannot(adapter: str, document: Any):
    _read_or_refuse(adapter, json.dumps(document).encode())


def _read_or_refuse(adapter: str, body: bytes) -> None:
    try:
        reading = adapters.read(adapter, body, clock.now())
    except Unreadable:
        return
    for alert in reading.alerts:
        kept = [alert.title, alert.dedup_key, alert.labels, list(alert.links)]
        stored = json.dumps(kept, allow_nan=False)  # raises for what JSON has no number for
        assert "\\u0000" not in stored
        assert alert.dedup_key
        assert alert.level in ("critical", "error", "warning", "info")


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_000_000,
        b'{"a":' * 200_000,
        b'{"alerts":[' + b"{}," * 340_000 + b"{}]}",
        b'{"title":"' + b"\\u0000" * 170_000 + b'"}',
        b'{"n":' + b"9" * 1_000_000 + b"}",
        b'{"n":0.' + b"9" * 1_000_000 + b"}",
        b"[" + b'{"title":"a"},' * 70_000 + b'{"title":"a"}]',
    ],
)
def test_takes_no_longer_than_a_large_body_is_worth(adapter: str, body: bytes):
    began = time.process_time()
    _read_or_refuse(adapter, body)

    assert time.process_time() - began < 10
