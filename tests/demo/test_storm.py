"""`manage.py simulate storm`: as its seed says, through the real door, and reckoned up."""

import io
import itertools
import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from config.due.models import Installation
from fixtures.simulations import storm
from fixtures.simulations.storm_plan import Kind, Plan, plan_alerts
from fixtures.simulations.storm_reckoning import Reckoning, reckon, spread
from fixtures.simulations.storm_sending import Storm, Target
from incidents.alerts.models import RawPayload
from incidents.alerts.operations import Issued
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from tests.incidents.alerts import make

TOKEN = "a" * 32


def plan(**fields: Any) -> Plan:
    given = {
        "alerts": 200, "keys": 12, "services": ("checkout", "tracking"), "kinds": tuple(Kind),
        "seed": 1, "name": "storm", **fields,
    }  # fmt: skip
    return Plan(**given)


def by_key(found: list[tuple[int, dict[str, Any]]]) -> dict[int, list[dict[str, Any]]]:
    keys = defaultdict(list)
    for key, body in found:
        keys[key].append(body)
    return keys


def test_makes_the_same_storm_of_the_same_seed():
    assert plan_alerts(plan()) == plan_alerts(plan())
    assert plan_alerts(plan()) != plan_alerts(plan(seed=2))


@pytest.mark.parametrize(("alerts", "keys", "made"), [(200, 12, 12), (5, 50, 5), (1, 1, 1)])
def test_lets_every_fingerprint_come(alerts: int, keys: int, made: int):
    found = plan_alerts(plan(alerts=alerts, keys=keys))

    assert len(found) == alerts
    assert len({body["dedup_key"] for _, body in found}) == made


def test_repeats_flaps_and_spreads():
    keys = by_key(plan_alerts(plan()))

    assert {body["status"] for body in keys[0]} == {"firing"}
    flapping = [body["status"] for body in keys[1]]
    assert flapping == [("firing", "resolved")[n % 2] for n in range(len(flapping))]
    assert {body["service"] for key in (2, 5, 8) for body in keys[key]} == {"checkout", "tracking"}


def test_needs_no_service():
    assert {body["service"] for _, body in plan_alerts(plan(services=()))} == {""}


class Door(BaseHTTPRequestHandler):
    """Asks for patience once per alert, then takes it; remembers the order."""

    taken: list[dict[str, Any]]
    asked: set[bytes]
    numbers = itertools.count(1)
    lock = threading.Lock()
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.lock:
            if body not in self.asked:
                self.asked.add(body)
                self._answer(503, **{"Retry-After": "0"})
                return
            self.taken.append(json.loads(body))
            self._answer(202)

    def _answer(self, status: int, **headers: str) -> None:
        content = json.dumps({"id": next(self.numbers)}).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def door() -> Iterator[Target]:
    Door.taken, Door.asked = [], set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield Target(f"http://127.0.0.1:{server.server_port}", TOKEN)
    server.shutdown()
    server.server_close()


def test_sends_all_of_it_in_order_and_again_where_it_must(door: Target):
    alerts = plan_alerts(plan(alerts=40, keys=10, kinds=(Kind.FLAP,)))

    delivery = Storm(door, alerts, a_second=10_000).rage(lambda now: None, every=0.01)

    assert (delivery.sent, delivery.refused, len(set(delivery.stored))) == (40, 0, 40)
    assert delivery.again == delivery.answers[503] > 0
    arrived = defaultdict(list)
    for body in Door.taken:
        arrived[body["dedup_key"]].append(body)
    assert dict(arrived) == {bodies[0]["dedup_key"]: bodies for bodies in by_key(alerts).values()}


def test_gives_up_where_nobody_answers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fixtures.simulations.storm_sending.PATIENCE", 0.0)
    nobody = Target("http://127.0.0.1:9", TOKEN)

    delivery = Storm(nobody, plan_alerts(plan(alerts=20)), a_second=1e6).rage(lambda now: None)

    assert not nobody.is_alive()
    assert (delivery.stored, delivery.refused) == ([], 20)


@pytest.mark.parametrize(
    ("values", "shown"),
    [([], (None, None, None)), ([3.0], (3.0, 3.0, 3.0)), (range(1, 101), (50, 99, 100))],
)
def test_spreads_by_nearest_rank(values: Any, shown: tuple[Any, ...]):
    assert tuple(spread(values).values()) == shown


def simulate(*words: str) -> tuple[int, dict[str, Any]]:
    """The command's exit code and answer."""
    output = io.StringIO()
    try:
        call_command("simulate", "storm", "--json", *words, stdout=output)
    except SystemExit as end:
        return int(str(end.code)), json.loads(output.getvalue())
    return 0, json.loads(output.getvalue())


@pytest.fixture
def demo(database: None, settings: Any, tmp_path: Path) -> Issued:
    settings.VAR = tmp_path
    Installation.objects.update_or_create(pk=1, defaults={"is_demo": True})
    return make.issued()


def test_pages_nobody_where_data_are_real(demo: Issued):
    Installation.objects.update(is_demo=False)

    code, answer = simulate("--url", "http://127.0.0.1:9", "--token", demo.token)

    assert code == 1
    assert "--i-know-this-pages-people" in answer["error"]
    assert not RawPayload.objects.exists()


def test_sends_to_no_other_installation(demo: Issued):
    code, answer = simulate("--url", "http://127.0.0.1:9", "--token", TOKEN)

    assert (code, "token" in answer["error"]) == (1, True)


def test_says_how_to_get_a_demonstration(demo: Issued):
    assert simulate()[0] == 3
    assert "make demo" in simulate()[1]["error"]


def test_says_that_nobody_answers(demo: Issued):
    code, answer = simulate("--url", "http://127.0.0.1:9", "--token", demo.token)

    assert (code, answer["error"]) == (3, "Nobody answers at http://127.0.0.1:9: is it running?")


@pytest.mark.parametrize(
    "words", [("--alerts", "0"), ("--alerts", "²"), ("--rate", "nan"), ("--kind", "tornado")]
)
def test_refuses_a_storm_that_is_none(demo: Issued, words: tuple[str, str]):
    with pytest.raises(CommandError):
        simulate(*words)


@pytest.mark.slow
def test_storms_and_reckons(
    fresh_db: Any,
    live_web: str,
    demo: Issued,
    checkout: Service,
    tracking: Service,
    monkeypatch: pytest.MonkeyPatch,
):
    """Through the real web process; the inbox is worked through whenever it is looked at."""
    (Path(settings.VAR) / "demo.json").write_text(
        json.dumps({"url": live_web, "ingest": {"generic": demo.token}})
    )

    def worked(stored: list[int]) -> Reckoning:
        make.drain_inbox()
        return reckon(stored)

    monkeypatch.setattr(storm, "reckon", worked)
    monkeypatch.setattr(storm, "LOOK_EVERY", 0.01)

    code, report = simulate("--alerts", "60", "--keys", "6", "--rate", "1000", "--seed", "7")

    assert (code, report["ok"]) == (0, True)
    assert (report["alerts"]["accepted"], report["alerts"]["refused"]) == (60, 0)
    assert (report["inbox"]["processed"], report["inbox"]["lost"]) == (60, 0)
    assert report["incidents"]["opened"] == Incident.objects.count() == 6
    assert sum(report["inbox"]["effects"].values()) == 60
    assert report["inbox"]["lag_seconds"]["p99"] >= 0
    assert {row.adapter for row in RawPayload.objects.all()} == {"generic"}


def test_finds_what_is_broken(demo: Issued):
    found = reckon([])
    found.states["quarantined"] = 1
    delivery = Storm(Target("http://127.0.0.1:9", TOKEN), [], a_second=1).delivery
    delivery.stored.append(5)

    report = storm._report(plan(), delivery, found)

    assert report["ok"] is False
    assert "NOT GOOD" in storm.lines_of(report)[0]
