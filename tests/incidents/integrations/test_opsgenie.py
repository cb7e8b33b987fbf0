"""Opsgenie's Alert API: what its clients call, and what they are answered."""

import json
import uuid
from typing import Any

import pytest

from incidents.alerts.models import Alert, RawPayload
from incidents.alerts.operations import Issued
from tests.incidents.alerts import make
from tests.incidents.alerts.knocking import Reply, Server

ALERTS = "/v2/alerts"


@pytest.fixture
def issued(server: Server) -> Issued:
    return make.issued("opsgenie")


def call(server: Server, issued: Issued, path: str = "", body: Any = b"{}") -> Reply:
    """One POST with the source's key, and the inbox worked through."""
    reply = server.post(f"{ALERTS}{path}", body, Authorization=f"GenieKey {issued.token}")
    make.drain_inbox()
    return reply


def look(server: Server, issued: Issued, path: str) -> Reply:
    headers = {"Authorization": f"GenieKey {issued.token}"}
    return server.post(f"{ALERTS}{path}", method="GET", **headers)


def alert_of(issued: Issued) -> Alert:
    """The one that this source has sent."""
    return Alert.objects.get(source=issued.source)


def stored(issued: Issued) -> RawPayload:
    return RawPayload.objects.filter(source=issued.source).latest("id")


def test_takes_an_alert_as_opsgenie_does(server: Server, issued: Issued):
    body = {
        "message": "Disk full",
        "alias": "disk/1 ü",
        "description": "95 %",
        "priority": "P1",
        "source": "https://tool.example.org",
        "entity": "web-1",
        "tags": ["disk", "prod"],
        "details": {"service": "tracking", "runbook_url": "https://wiki.example.org/disk"},
        "responders": [{"name": "ops", "type": "team"}],
    }

    reply = call(server, issued, body=json.dumps(body).encode() + b"\n")

    assert reply.status == 202
    assert reply.content.keys() == {"result", "took", "requestId"}
    assert reply.content["result"] == "Request will be processed"
    assert str(uuid.UUID(reply.content["requestId"])) == reply.content["requestId"]
    alert = alert_of(issued)
    assert (alert.dedup_key, alert.title, alert.state) == ("disk/1 ü", "Disk full", "firing")
    assert (alert.level, alert.description) == ("critical", "95 %")
    assert alert.labels["tags"] == "disk, prod"
    assert [link["text"] for link in alert.links] == ["Runbook", "Alerting tool"]


@pytest.mark.parametrize("kind", ["", "?identifierType=alias", "?identifierType=id&x=%"])
def test_closes_by_the_alias_whatever_it_is_called(server: Server, issued: Issued, kind: str):
    call(server, issued, body={"message": "Disk full", "alias": "disk/1 ü"})

    reply = call(server, issued, f"/disk%2F1%20%C3%BC/close{kind}", {"user": "tool"})

    assert reply.status == 202
    assert alert_of(issued).resolve_pending_at is not None


def test_gives_an_alias_to_an_alert_without_one(server: Server, issued: Issued):
    request = call(server, issued, body={"message": "Disk full"}).content["requestId"]

    alias = look(server, issued, f"/requests/{request}").content["data"]["alertId"]

    assert alert_of(issued).dedup_key == alias
    assert call(server, issued, f"/{alias}/close").status == 202
    assert alert_of(issued).resolve_pending_at is not None


@pytest.mark.parametrize(
    "action",
    ["acknowledge", "unacknowledge", "snooze", "escalate", "assign", "notes", "message",
     "description", "actions/restart"],
)  # fmt: skip
def test_notes_what_tools_say_and_leaves_it_to_people(server: Server, issued: Issued, action: str):
    call(server, issued, body={"message": "Disk full", "alias": "disk"})

    path, key = f"{ALERTS}/disk/{action}?identifierType=alias", f"GenieKey {issued.token}"

    replies = [
        server.post(path, {"message": "Other"}, method=method, Authorization=key)
        for method in ("POST", "PUT")
    ]
    make.drain_inbox()

    assert [reply.status for reply in replies] == [202, 202]
    assert stored(issued).state == "done"
    assert "changes nothing here" in stored(issued).outcome[0]["note"]
    assert (alert_of(issued).title, alert_of(issued).state) == ("Disk full", "firing")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", b""), ("", b"\xff"), ("", b"["), ("", b"[]"), ("", b"{}"), ("", b'{"alias": "a"}'),
        ("", b'{"message": {"a": 1}, "alias": "b"}'), ("/disk/explode", b"{}"), ("/disk", b"{}"),
        ("/%00/%ED%A0%80", b"{}"), ("/a/b/c/d/e", b"{}"),
    ],
)  # fmt: skip
def test_keeps_what_it_cannot_read(server: Server, issued: Issued, path: str, body: bytes):
    reply = call(server, issued, path, body)

    assert reply.status == 202
    assert (stored(issued).state, bytes(stored(issued).body)) == ("quarantined", body)
    assert not Alert.objects.filter(source=issued.source).exists()


@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
@pytest.mark.parametrize("header", ["", "GenieKey", "GenieKey " + "a" * 32, "Bearer {}", "{}"])
@pytest.mark.parametrize("path", ["/disk", "/requests/1"])
def test_refuses_whoever_has_no_key(
    server: Server, issued: Issued, method: str, header: str, path: str
):
    authorization = header.format(issued.token)

    reply = server.post(f"{ALERTS}{path}", {}, method=method, Authorization=authorization)

    assert reply.status == 401
    assert reply.content.keys() == {"message", "took", "requestId"}
    assert not RawPayload.objects.filter(source=issued.source).exists()


def test_keeps_the_key_out_of_the_inbox(server: Server, issued: Issued):
    call(server, issued, f"/disk/close?apiKey={issued.token}", {"apiKey": issued.token})

    row = stored(issued)

    assert issued.token not in json.dumps(row.headers)
    assert issued.token not in row.text
    assert row.headers[":path"].startswith("/v2/alerts/disk/close?apiKey=[redacted]")


def test_asks_clients_to_slow_down(server: Server):
    found = make.issued("opsgenie", rate_per_minute=1)
    body = {"message": "Disk full", "alias": "disk"}

    replies = [call(server, found, body=body) for _ in range(3)]

    assert [reply.status for reply in replies] == [202, 202, 429]
    assert int(replies[2].headers["retry-after"]) in range(1, 61)


def test_says_what_became_of_a_request(server: Server, issued: Issued):
    body, key = {"message": "Disk full", "alias": "disk"}, f"GenieKey {issued.token}"
    waiting = server.post(ALERTS, body, Authorization=key).content["requestId"]
    before = look(server, issued, f"/requests/{waiting}")
    make.drain_inbox()
    closed = call(server, issued, "/disk/close?identifierType=alias").content["requestId"]
    failed = call(server, issued, body=b"{").content["requestId"]

    first, second, third = (
        look(server, issued, f"/requests/{each}").content["data"]
        for each in (waiting, closed, failed)
    )

    assert before.status == 404
    assert (first["isSuccess"], first["action"], first["alertId"]) == (True, "Create", "disk")
    assert (second["isSuccess"], second["action"], second["alias"]) == (True, "Close", "disk")
    assert (third["isSuccess"], third["alertId"]) == (False, "")
    assert third["status"].startswith("The body is not JSON")


def test_shows_an_alert_of_its_own(server: Server, issued: Issued):
    call(server, issued, body={"message": "Disk full", "alias": "disk/1", "priority": "P1"})

    found = look(server, issued, "/disk%2F1?identifierType=alias")

    assert found.status == 200
    data = found.content["data"]
    assert (data["id"], data["alias"], data["message"]) == ("disk/1", "disk/1", "Disk full")
    assert (data["status"], data["priority"], data["count"]) == ("open", "P1", 1)


@pytest.mark.parametrize("path", ["/other", "/requests/5", "/requests/x", "/requests/" + "f" * 32])
def test_shows_nothing_that_it_has_not(server: Server, issued: Issued, path: str):
    assert look(server, issued, path).status == 404


def test_shows_nothing_of_another_source(server: Server, issued: Issued):
    request = call(server, issued, body={"message": "Disk full", "alias": "disk"}).content
    other = make.issued("opsgenie")

    assert look(server, other, "/disk").status == 404
    assert look(server, other, f"/requests/{request['requestId']}").status == 404


@pytest.mark.parametrize("path", [ALERTS, f"{ALERTS}/disk"])
def test_takes_no_other_method(server: Server, path: str):
    reply = server.post(path, method="DELETE")

    assert (reply.status, reply.headers["allow"]) == (405, "GET, POST, PUT")


@pytest.mark.parametrize("path", ["/v2/alertsandmore", "/v2/alerts2/x"])
def test_lives_at_no_other_address(server: Server, path: str):
    assert server.post(path).status == 404
