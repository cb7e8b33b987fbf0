"""A real Alertmanager sends to the real web process, in each format that it speaks."""

import json
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.governance.in_force import setting
from config.supervisor import listen
from incidents.alerts import clearing
from incidents.alerts.models import Alert, IngestSource, PayloadState, RawPayload
from incidents.alerts.processing import drain_inbox
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.lifecycle.rules import State
from tests.harness.databases import Clone
from tests.incidents.alerts import make

pytestmark = [pytest.mark.peer("prometheus-alertmanager"), pytest.mark.slow]

CONFIG = """
global:
  resolve_timeout: 1h
route:
  receiver: {receiver}
  group_by: [alertname]
  group_wait: 200ms
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: webhook
    webhook_configs:
      - url: {site}/ingest/alertmanager/{token}
        send_resolved: true
  - name: pagerduty
    pagerduty_configs:
      - url: {site}/v2/enqueue
        routing_key: {token}
        severity: error
        component: '{{{{ .CommonLabels.service }}}}'
        send_resolved: true
  - name: opsgenie
    opsgenie_configs:
      - api_url: {site}/
        api_key: {token}
        priority: P2
        update_alerts: true
        description: '{{{{ .CommonAnnotations.summary }}}}'
        details: {{ service: '{{{{ .CommonLabels.service }}}}' }}
        send_resolved: true
"""


class Alertmanager:
    """One process, told what fires through its own API."""

    def __init__(self, url: str) -> None:
        self.url = url

    def tell(self, *alerts: dict[str, Any]) -> None:
        self._post("/api/v2/alerts", list(alerts))

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _post(self, path: str, body: Any) -> None:
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=10).close()


@pytest.fixture
def start(
    fresh_db: Clone,
    live_web: str,
    peer: Callable[[str], Path],
    tmp_path: Path,
    eventually: Callable[..., Any],
) -> Iterator[Callable[..., Alertmanager]]:
    """`start("webhook", token)`: an Alertmanager that sends to the site."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(receiver: str, token: str) -> Alertmanager:
        config = tmp_path / "alertmanager.yml"
        config.write_text(CONFIG.format(receiver=receiver, site=live_web, token=token))
        with listen(None) as listener:
            port = listener.getsockname()[1]
        command = [
            str(peer("prometheus-alertmanager")),
            f"--config.file={config}",
            f"--storage.path={tmp_path / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ]
        with (tmp_path / "alertmanager.log").open("w") as log:
            started.append(subprocess.Popen(command, stdout=log, stderr=log))
        made = Alertmanager(f"http://127.0.0.1:{port}")
        eventually(made.is_ready)
        return made

    yield begin
    for process in started:
        process.terminate()
        process.wait(10)


@pytest.fixture(autouse=True)
def no_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_hold(key: str, **where: Any) -> Any:
        return 0 if key == "alerts.resolve_hold_seconds" else setting(key, **where)

    monkeypatch.setattr(clearing, "setting", without_hold)


def alert(instance: str, **times: str) -> dict[str, Any]:
    labels = {
        "alertname": "HighLatency",
        "instance": instance,
        "service": "tracking",
        "severity": "warning",
    }
    annotations = {"summary": f"Latency of {instance} is high"}
    return {"labels": labels, "annotations": annotations, **times}


ENDED = {"startsAt": "2026-01-01T08:00:00.123456789Z", "endsAt": "2026-01-01T09:00:00Z"}


def worked(condition: Callable[[], Any]) -> Callable[[], Any]:
    """The condition, after everything that has come in was worked through."""

    def check() -> Any:
        drain_inbox()
        return condition()

    return check


def states(source: IngestSource) -> list[str]:
    return sorted(Alert.objects.filter(source=source).values_list("state", flat=True))


def test_opens_grows_and_resolves_by_the_webhook(
    start: Callable[..., Alertmanager], tracking: Service, eventually: Callable[..., Any]
):
    issued = make.issued("alertmanager")
    tool = start("webhook", issued.token)

    tool.tell(alert("web-1"))
    eventually(worked(lambda: states(issued.source) == ["firing"]))
    incident = make.only_incident()
    assert (incident.service, incident.title) == (tracking, "Latency of web-1 is high")

    tool.tell(alert("web-1"), alert("web-2"))
    eventually(worked(lambda: states(issued.source) == ["firing", "firing"]))
    assert make.only_incident().alerts.count() == 2

    tool.tell(alert("web-1", **ENDED))
    eventually(worked(lambda: states(issued.source) == ["firing", "resolved"]))
    assert make.only_incident().state == State.NEW
    assert "1 of 2 alerts cleared." in make.lines(make.only_incident())

    tool.tell(alert("web-2", **ENDED))
    eventually(worked(lambda: states(issued.source) == ["resolved", "resolved"]))
    assert make.only_incident().state == State.RESOLVED

    tool.tell(alert("web-1"))
    eventually(worked(lambda: Incident.objects.get().state == State.INVESTIGATING))
    assert make.only_incident().reopened_count == 1
    assert not RawPayload.objects.exclude(state=PayloadState.DONE).exists()


def test_opens_and_resolves_by_the_pagerduty_format(
    start: Callable[..., Alertmanager], tracking: Service, eventually: Callable[..., Any]
):
    issued = make.issued("pagerduty")
    tool = start("pagerduty", issued.token)

    tool.tell(alert("web-1"))
    eventually(worked(lambda: states(issued.source) == ["firing"]))
    incident = make.only_incident()
    assert (incident.service, incident.level) == (tracking, "error")

    tool.tell(alert("web-1", **ENDED))
    eventually(worked(lambda: states(issued.source) == ["resolved"]))
    assert make.only_incident().state in (State.RESOLVED, State.MONITORING)
    assert not RawPayload.objects.exclude(state=PayloadState.DONE).exists()


def test_opens_updates_and_closes_by_the_opsgenie_format(
    start: Callable[..., Alertmanager], tracking: Service, eventually: Callable[..., Any]
):
    issued = make.issued("opsgenie")
    tool = start("opsgenie", issued.token)

    tool.tell(alert("web-1"))
    eventually(worked(lambda: states(issued.source) == ["firing"]))
    incident = make.only_incident()
    assert (incident.service, incident.level) == (tracking, "error")
    assert make.only_alert().description == "Latency of web-1 is high"

    tool.tell(alert("web-1", **ENDED))
    eventually(worked(lambda: states(issued.source) == ["resolved"]))
    assert make.only_incident().state in (State.RESOLVED, State.MONITORING)
    assert not RawPayload.objects.exclude(state=PayloadState.DONE).exists()
