"""Working through the inbox: quarantine, replays, and payloads that stop workers."""

import datetime
from typing import Any

import pytest
from django.db import OperationalError

from config import clock
from config.due.jobs import run
from incidents.alerts.batches import Batch
from incidents.alerts.models import Alert, PayloadKind, PayloadState, RawPayload
from incidents.alerts.operations import replay
from incidents.alerts.processing import HOPELESS, SUSPECT, process_inbox, seconds_behind
from incidents.lifecycle.models import Incident
from tests.config import make as make_config
from tests.incidents.alerts import make

pytestmark = pytest.mark.django_db


def test_says_when_nothing_waits():
    make.source()

    assert process_inbox() is False
    assert seconds_behind() == 0.0


def test_takes_no_more_than_the_limit_of_a_source():
    source = make.source()
    for number in range(5):
        make.payload(source, make.firing(str(number)))

    assert process_inbox(2) is True

    assert RawPayload.objects.new().count() == 3
    assert Alert.objects.count() == 2


def test_sets_an_unreadable_body_aside():
    source = make.source()

    row = make.received(source, b"no json")

    assert row.state == PayloadState.QUARANTINED
    assert row.error == "The body is not JSON: Expecting value (line 1, column 1)."


def test_sets_a_body_for_an_unknown_tool_aside():
    source = make.source()

    row = make.received(source, make.firing(), adapter="carrier-pigeon")

    assert row.state == PayloadState.QUARANTINED
    assert "There is no adapter 'carrier-pigeon'" in row.error


def test_reads_the_good_alerts_beside_bad_ones():
    source = make.source()

    row = make.received(source, [make.firing("a"), make.firing("b", level="loud"), "c"])

    assert row.state == PayloadState.QUARANTINED
    assert make.effects(row) == ["quarantined", "quarantined", "opened"]
    assert row.error == (
        "2 of 3 can't be read.\n"
        "Alert 1: 'level' is 'loud'; send one of critical, error, warning, info.\n"
        "Alert 2: An alert is an object with 'dedup_key' and 'title'."
    )
    assert Incident.objects.count() == 1


def test_counts_nothing_twice_in_a_replay():
    source = make.source()
    row = make.received(source, [make.firing("a"), "bad"])

    replay(row, actor=make_config.system())
    make.drain_inbox()

    row.refresh_from_db()
    assert row.state == PayloadState.QUARANTINED
    assert make.only_alert().count == 1


def test_reads_a_replayed_body_once_the_cause_is_gone(monkeypatch: pytest.MonkeyPatch):
    source = make.source()
    with monkeypatch.context() as patch:
        patch.setattr(Batch, "_fire", _broken)
        row = make.received(source, make.firing())
    assert (row.state, row.error) == (PayloadState.QUARANTINED, "ValueError: broken")
    assert not Alert.objects.exists()

    replay(row, actor=make_config.system())
    make.drain_inbox()

    row.refresh_from_db()
    assert (row.state, make.effects(row)) == (PayloadState.DONE, ["opened"])


def _broken(*arguments: object) -> None:
    raise ValueError("broken")


def test_blocks_no_neighbour_by_a_poisonous_payload(monkeypatch: pytest.MonkeyPatch):
    source = make.source()
    rows = [make.payload(source, make.firing(key)) for key in ("a", "poison", "b")]
    fire = Batch._fire

    def bitten(self: Batch, tally: Any) -> None:
        if tally.row.dedup_key == "poison":
            raise ValueError("bitten")
        fire(self, tally)

    monkeypatch.setattr(Batch, "_fire", bitten)
    make.drain_inbox()

    states = [RawPayload.objects.get(pk=row.pk).state for row in rows]
    assert states == ["done", "quarantined", "done"]
    assert Incident.objects.count() == 2


def test_takes_a_payload_alone_that_workers_did_not_survive():
    source = make.source()
    suspect = make.payload(source, make.firing("a"), attempts=SUSPECT)
    other = make.payload(source, make.firing("b"), attempts=SUSPECT)

    process_inbox()

    suspect.refresh_from_db()
    other.refresh_from_db()
    assert (suspect.state, other.state) == ("done", "new")


def test_gives_up_a_payload_that_stops_every_worker():
    source = make.source()
    row = make.received(source, make.firing(), attempts=HOPELESS)

    assert row.state == PayloadState.QUARANTINED
    assert row.error == "Workers stopped 6 times while they read this payload."
    assert not Alert.objects.exists()


def test_leaves_a_payload_where_it_is_when_the_database_has_trouble(
    monkeypatch: pytest.MonkeyPatch,
):
    def trouble(*arguments: object) -> None:
        raise OperationalError("deadlock detected")

    source = make.source()
    row = make.payload(source, make.firing())
    with monkeypatch.context() as patch:
        patch.setattr(Batch, "_fire", trouble)
        with pytest.raises(OperationalError):
            process_inbox()

    make.drain_inbox()

    row.refresh_from_db()
    assert (row.state, row.attempts) == (PayloadState.DONE, 1)  # the trouble was nobody's attempt


def test_keeps_a_change_without_making_an_alert_of_it():
    source = make.source("pagerduty")

    row = make.received(source, {"payload": {"summary": "deploy"}}, kind=PayloadKind.CHANGE)

    assert row.state == PayloadState.DONE
    assert not Alert.objects.exists()


def test_notes_that_the_sender_left_alerts_out():
    source = make.source("alertmanager")

    row = make.received(source, {**make.group(make.member("a")), "truncatedAlerts": 7})

    assert row.outcome[0]["note"].startswith("The sender left out 7 alerts")


@pytest.mark.parametrize(
    "body",
    [
        b'{"title": "a\\u0000b", "labels": {"x\\u0000": "\\u0000"}}',
        b'{"title": "lone \\ud800 half", "labels": {"\\udfff": "\\ud800"}}',
        b'{"title": "huge", "labels": {"n": ' + b"9" * 5000 + b', "f": 1e999, "x": NaN}}',
        b'{"title": "deep", "labels": {"d": ' + b"[" * 300 + b"]" * 300 + b"}}",
        b'{"title": "' + b"long " * 2000 + b'", "dedup_key": "' + b"k" * 2000 + b'"}',
        b'\xef\xbb\xbf{"title": "byte order mark"}\n\n',
        b'{"title": 5, "dedup_key": 1, "service": true, "starts_at": 1700000000}',
    ],
)
def test_stores_what_postgresql_would_refuse(body: bytes):
    source = make.source()

    row = make.received(source, body)

    assert (row.state, make.effects(row)) == (PayloadState.DONE, ["opened"])


def test_removes_payloads_after_their_retention():
    source = make.source()
    long_ago = clock.now() - datetime.timedelta(days=91)
    done = make.received(source, make.firing("a"), received_at=long_ago)
    bad = make.received(source, b"bad", received_at=long_ago)
    recent = make.received(source, make.firing("b"))
    waiting = make.payload(source, make.firing("c"), received_at=long_ago)

    assert run("inbox_retention", clock.now()) == "2 payloads"

    left = set(RawPayload.objects.values_list("pk", flat=True))
    assert left == {recent.pk, waiting.pk}
    assert left.isdisjoint({done.pk, bad.pk})
