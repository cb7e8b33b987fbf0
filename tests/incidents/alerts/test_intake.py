"""The door for alerts, asked as an ASGI server asks it."""

import asyncio
import json
import time
from typing import Any

import psycopg
import pytest

from config import clock
from incidents.alerts import intake, storing
from incidents.alerts.intake import LONGEST
from incidents.alerts.models import PayloadState, RawPayload
from incidents.alerts.operations import Issued, edit_source, rotate
from tests.config import make as make_config
from tests.harness.databases import Clone
from tests.incidents.alerts import make
from tests.incidents.alerts.knocking import Server


@pytest.fixture
def issued(server: Server) -> Issued:
    return make.issued("alertmanager")


def stored(issued: Issued) -> RawPayload:
    """The one body that this source has sent."""
    return RawPayload.objects.get(source=issued.source)


def nothing_stored(issued: Issued) -> bool:
    return not RawPayload.objects.filter(source=issued.source).exists()


def path_of(issued: Issued) -> str:
    return f"/ingest/{issued.source.adapter}/{issued.token}"


def event(issued: Issued, **fields: Any) -> dict[str, Any]:
    payload = {"summary": "Disk full", "source": "web-1", "severity": "critical"}
    return {
        "routing_key": issued.token,
        "event_action": "trigger",
        "payload": payload,
        **fields,
    }


def test_stores_the_body_before_it_accepts(server: Server, issued: Issued):
    body = b'{"any": "thing",\n "password": "x"}\n'

    reply = server.post(path_of(issued), body, **{"Content-Type": "text/plain", "User-Agent": "am"})

    row = stored(issued)
    assert (reply.status, reply.content) == (202, {"status": "accepted", "id": row.pk})
    assert bytes(row.body) == b'{"any": "thing",\n "password": "[redacted]"}\n'
    assert (row.source, row.adapter, row.state) == (issued.source, "alertmanager", "new")
    assert (row.content_type, row.headers) == ("text/plain", {"user-agent": "am"})


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b"[" * 100_000, b"null"])
def test_takes_whatever_comes_with_a_valid_token(server: Server, issued: Issued, body: bytes):
    reply = server.post(path_of(issued), body)

    make.drain_inbox()
    assert reply.status == 202
    assert stored(issued).state == PayloadState.QUARANTINED


def test_takes_an_unknown_adapter_with_a_valid_token(server: Server, issued: Issued):
    reply = server.post(f"/ingest/nag\0ios/{issued.token}/", {})

    assert reply.status == 202
    assert stored(issued).adapter == "unknown"


@pytest.mark.parametrize("token", ["a" * 32, "short", "A" * 32, "\ud800" * 32, "a\0"])
def test_refuses_an_unknown_token(server: Server, issued: Issued, token: str):
    reply = server.post(f"/ingest/generic/{token}", {})

    assert (reply.status, reply.content["code"]) == (401, "token_unknown")
    assert reply.headers["content-type"] == "application/problem+json"
    assert token not in json.dumps(reply.content)
    assert nothing_stored(issued)


def test_refuses_a_source_that_is_switched_off(server: Server, issued: Issued):
    assert server.post(path_of(issued), {}).status == 202
    edit_source(issued.source, actor=make_config.system(), changes={"is_active": False})

    assert server.post(path_of(issued), {}).status == 401


def test_takes_both_tokens_during_a_rotation(server: Server, issued: Issued):
    fresh = rotate(issued.source, actor=make_config.system(), hours=1)

    assert server.post(path_of(issued), {}).status == 202
    assert server.post(path_of(fresh), {}).status == 202


def test_refuses_the_old_token_after_a_rotation_without_overlap(server: Server, issued: Issued):
    rotate(issued.source, actor=make_config.system(), hours=0)

    assert server.post(path_of(issued), {}).status == 401


def test_refuses_a_body_that_announces_itself_too_large(server: Server, issued: Issued):
    reply = server.post(path_of(issued), b"x", **{"Content-Length": str(LONGEST + 1)})

    assert (reply.status, reply.content["code"]) == (413, "too_large")


def test_refuses_a_body_that_grows_too_large(server: Server, issued: Issued):
    half = b"x" * (LONGEST // 2)

    taken = server.run(server.request(path_of(issued), [half, half]))
    refused = server.run(server.request(path_of(issued), [half, half, b"x"]))

    assert (taken.status, refused.status) == (202, 413)
    assert stored(issued).state == PayloadState.NEW


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_takes_no_other_method(server: Server, issued: Issued, method: str):
    reply = server.post(path_of(issued), method=method)

    assert (reply.status, reply.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/ingest/", "/ingest/generic", "/ingest/generic/a/b"])
def test_knows_no_other_address(server: Server, path: str):
    assert server.post(path).status == 404


def test_says_nothing_to_a_sender_that_hung_up(server: Server, issued: Issued):
    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        pytest.fail("there is nobody to answer")

    scope = {"type": "http", "method": "POST", "path": path_of(issued), "headers": []}

    server.run(server.intake(scope, receive, send))

    assert nothing_stored(issued)


def test_asks_to_retry_when_too_many_are_under_way(
    server: Server, issued: Issued, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(intake, "MOST_AT_ONCE", 0)

    reply = server.post(path_of(issued), {})

    assert (reply.status, reply.content["code"]) == (503, "unavailable")
    assert reply.headers["retry-after"] == "5"


@pytest.mark.parametrize("error", [psycopg.errors.DiskFull, psycopg.errors.ReadOnlySqlTransaction])
def test_asks_to_retry_when_nothing_can_be_stored(
    server: Server, issued: Issued, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
):
    async def execute(*arguments: Any) -> None:
        raise error("no space left on device")

    monkeypatch.setattr(storing.Store, "_execute", execute)

    reply = server.post(path_of(issued), {})

    assert (reply.status, reply.headers["retry-after"]) == (503, "5")


def test_goes_on_after_the_server_has_dropped_its_connections(
    server: Server, issued: Issued, clone: Clone
):
    assert server.post(path_of(issued), {}).status == 202
    with psycopg.connect(clone.superuser_url or "", autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND query LIKE '%%incidents_rawpayload%%'"
        )

    assert server.post(path_of(issued), {}).status == 202


def test_asks_a_source_over_its_rate_to_retry(server: Server, monkeypatch: pytest.MonkeyPatch):
    found = make.issued("generic", rate_per_minute=2)
    monkeypatch.setattr(server.intake.limiter, "_wall", lambda: 1_000_000_010.0)
    path = path_of(found)
    for _ in range(2):
        assert server.post(path, make.firing("flood")).status == 202

    # The first of each key gets in even now, so that a flood never hides another alert.
    replies = [server.post(path, make.firing(key)) for key in ("flood", "flood", "fire", "fire")]

    assert [reply.status for reply in replies] == [202, 503, 202, 503]
    assert replies[1].headers["retry-after"] == "10"


def test_counts_requests_across_processes(
    server: Server, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
):
    found = make.issued("generic", rate_per_minute=3)
    other = Server()
    request.addfinalizer(other.stop)
    for each in (server, other):
        monkeypatch.setattr(each.intake.limiter, "_wall", lambda: 1_000_000_010.0)
        for key in ("a", "b"):
            assert each.post(path_of(found), make.firing(key)).status == 202

    for each in (server, other, server):
        assert each.intake._store is not None
        each.run(each.intake._store._share_counts())

    assert server.intake.limiter.is_over(found.source.pk)


def test_answers_an_event_as_pagerduty_does(server: Server, issued: Issued):
    reply = server.post("/v2/enqueue", event(issued, dedup_key="disk-1"))

    assert reply.status == 202
    assert reply.content == {
        "status": "success",
        "message": "Event processed",
        "dedup_key": "disk-1",
    }
    make.drain_inbox()
    assert issued.source.alerts.get().dedup_key == "disk-1"
    assert issued.token not in stored(issued).text


def test_makes_a_key_for_a_trigger_without_one(server: Server, issued: Issued):
    reply = server.post("/v2/enqueue", json.dumps(event(issued)).encode() + b"\n")

    make.drain_inbox()
    assert len(reply.content["dedup_key"]) == 32
    assert issued.source.alerts.get().dedup_key == reply.content["dedup_key"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"routing_key": ""}, "'routing_key' is missing or blank"),
        ({"routing_key": 5}, "'routing_key' must be 32 lower-case letters and digits"),
        (
            {"routing_key": "b" * 32},
            "'routing_key' is not known here, or its source is switched off",
        ),
        ({"event_action": "fire"}, "'event_action' must be one of trigger, acknowledge, resolve"),
        ({"event_action": "resolve"}, "'dedup_key' is missing or blank"),
        ({"dedup_key": "k" * 256}, "'dedup_key' must be text of at most 255 characters"),
        ({"payload": None}, "'payload' is missing or no object"),
        ({"payload": {"source": "a", "severity": "info"}}, "'payload.summary' is missing or blank"),
        (
            {"payload": {"summary": "s" * 1025, "source": "a", "severity": "info"}},
            "'payload.summary' is longer than 1024 characters",
        ),
        (
            {"payload": {"summary": "s", "source": "a", "severity": "loud"}},
            "'payload.severity' must be one of critical, error, warning, info",
        ),
        ({"payload": {"summary": "s" * 600_000}}, "The event is longer than 512 KB"),
    ],
)
def test_refuses_an_event_as_pagerduty_does(
    server: Server, issued: Issued, change: dict[str, Any], error: str
):
    reply = server.post("/v2/enqueue", {**event(issued), **change})

    assert reply.status == 400
    assert reply.content == {
        "status": "invalid event",
        "message": "Event object is invalid",
        "errors": [error],
    }
    assert nothing_stored(issued)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'"x"', b"[" * 200_000])
def test_refuses_what_is_no_event(server: Server, issued: Issued, body: bytes):
    reply = server.post("/v2/enqueue", body)

    assert (reply.status, reply.content["status"]) == (400, "invalid event")


def test_asks_pagerduty_clients_to_slow_down(server: Server):
    found = make.issued("pagerduty", rate_per_minute=1)

    replies = [server.post("/v2/enqueue", event(found, dedup_key="a")) for _ in range(3)]

    assert [reply.status for reply in replies] == [202, 202, 429]
    assert int(replies[2].headers["retry-after"]) in range(1, 61)
    assert replies[2].content["status"] == "throttle exceeded"


def test_keeps_changes(server: Server, issued: Issued):
    change = {"routing_key": issued.token, "payload": {"summary": "deploy 1.2"}}

    reply = server.post("/v2/change/enqueue", change)

    assert (reply.status, reply.content["status"]) == (202, "success")
    assert stored(issued).kind == "change"


def test_wakes_the_worker_once_for_many(server: Server, issued: Issued, clone: Clone):
    with psycopg.connect(clone.runtime_url, autocommit=True) as connection:
        connection.execute("LISTEN watchbill_due")

        async def many() -> None:
            body = json.dumps(make.firing()).encode()
            await asyncio.gather(*(server.request(path_of(issued), [body]) for _ in range(50)))
            await asyncio.sleep(0.1)

        began = time.monotonic()
        server.run(many())
        took = time.monotonic() - began
        connection.execute("NOTIFY watchbill_due, 'that was all'")
        heard = [each.payload for each in connection.notifies(timeout=10, stop_after=1)]
        while heard[-1] != "that was all":
            heard += [each.payload for each in connection.notifies(timeout=10, stop_after=1)]

    assert set(heard[:-1]) == {"alerts.inbox"}
    assert len(heard) < took / storing.WAIT_BETWEEN_WAKES + 3


def test_receives_by_the_clock_of_the_database(server: Server, issued: Issued):
    before = clock.now()

    server.post(path_of(issued), {})

    assert before <= stored(issued).received_at <= clock.now()
