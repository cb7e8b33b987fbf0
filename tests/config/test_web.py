"""`python -m config.web` on a port of its own, as a production node runs it."""

import socket
import subprocess
import sys
from pathlib import Path

import requests

from tests.harness import processes
from tests.harness.databases import ROOT, Clone


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "config.web", *args]


def test_serves_a_port_and_counts_what_it_answers(fresh_db: Clone, tmp_path: Path) -> None:
    with processes.web_on_port(fresh_db, tmp_path) as url:
        for _ in range(2):
            assert requests.get(f"{url}/api/v1/me/", timeout=10).status_code == 401
        refused = requests.post(f"{url}/ingest/generic/{'x' * 32}", json={}, timeout=10)
        assert refused.status_code == 401

        figures = requests.get(f"{url}/metrics", timeout=10).text.splitlines()

    assert 'watchbill_http_responses_total{place="api",status="401"} 2' in figures
    assert 'watchbill_http_responses_total{place="ingest",status="401"} 1' in figures
    assert 'watchbill_http_response_seconds_count{place="api"} 2' in figures
    assert 'watchbill_http_response_seconds_bucket{place="api",le="+Inf"} 2' in figures


def test_says_which_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            command("--port", str(port)), cwd=ROOT, capture_output=True, text=True, check=False
        )

    assert ended.returncode == 1
    assert ended.stderr.startswith(f"127.0.0.1:{port} can't be used")


def test_wants_a_port_or_a_socket() -> None:
    ended = subprocess.run(command(), cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 2
    assert "--fd --port" in ended.stderr
