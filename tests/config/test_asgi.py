"""The ASGI front, under a real server: full, too large, raw handlers, shutting down."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
STOPS_WITHIN = 20.0  # requests under way have four seconds; the rest allows for a busy machine


@contextmanager
def serving(module: str, **environment: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """uvicorn with the application of `module`, on a free port; killed afterwards."""
    listener = socket.create_server(("127.0.0.1", 0))
    code = (
        "import socket, sys, uvicorn\n"
        f"config = uvicorn.Config('{module}:application', log_level='warning',"
        " timeout_graceful_shutdown=4, proxy_headers=False)\n"
        "uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(listener.fileno())],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **environment},
        pass_fds=[listener.fileno()],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    port = listener.getsockname()[1]
    listener.close()
    try:
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.kill()
        process.communicate()


def until_up(url: str) -> None:
    """The listener is open before the server: the first answer waits for it."""
    assert requests.get(f"{url}/healthz", timeout=60).json() == {"status": "ok"}


def stopped(process: subprocess.Popen[str]) -> tuple[int, str, float]:
    """SIGTERM it; the exit status, what it printed, and how long it took."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=30)
    return process.returncode, output, time.monotonic() - began


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving("tests.config.front_sample") as (found, _):
        until_up(found)
        yield found


def test_hands_paths_to_raw_handlers_that_were_started(url: str) -> None:
    response = requests.post(f"{url}/raw/x", timeout=10)

    assert (response.status_code, response.text) == (202, "True")


@pytest.mark.parametrize("path", ["/api/v1/x", "/r/abc"])
def test_refuses_bodies_over_1_mib(url: str, path: str) -> None:
    announced = requests.post(f"{url}{path}", data=b"x" * (1024 * 1024 + 1), timeout=10)
    streamed = requests.post(f"{url}{path}", data=iter([b"x" * 700_000] * 2), timeout=10)
    exact = requests.post(f"{url}{path}", data=b"x" * 1024 * 1024, timeout=10)

    assert announced.status_code == streamed.status_code == 413
    assert streamed.headers["Content-Type"] == "application/problem+json"
    assert streamed.json()["code"] == "too_large"
    assert (exact.status_code, exact.text) == (200, "1048576 -")


def test_takes_no_header_with_an_underscore_for_another(url: str) -> None:
    response = requests.get(f"{url}/x", headers={"X_Forwarded_For": "10.0.0.1"}, timeout=10)

    assert response.text == "0 -"


def test_survives_a_query_that_is_no_ascii(url: str) -> None:
    with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])), timeout=10) as raw:
        raw.sendall("GET /x?q=ü HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = raw.makefile("rb").readline()

    assert b" 200 " in answer or b" 400 " in answer


def test_answers_503_when_full_and_stays_alive(eventually: Callable[..., Any]) -> None:
    with serving("tests.config.front_sample") as (url, _):
        until_up(url)
        answers: list[requests.Response] = []

        def wait() -> None:
            answers.append(requests.get(f"{url}/wait", timeout=30))

        threads = [threading.Thread(target=wait) for _ in range(10)]
        for thread in threads:
            thread.start()
        eventually(lambda: len(answers) == 7)
        refused = list(answers)
        alive = requests.get(f"{url}/healthz", timeout=10)
        requests.post(f"{url}/raw/open", timeout=10)
        for thread in threads:
            thread.join()

        assert {response.status_code for response in refused} == {503}
        assert {response.json()["code"] for response in refused} == {"unavailable"}
        assert {response.headers["Retry-After"] for response in refused} == {"5"}
        assert alive.status_code == 200
        assert [response.status_code for response in answers[7:]] == [200, 200, 200]
        assert requests.get(f"{url}/x", timeout=10).status_code == 200


def test_a_slow_body_takes_no_place(url: str) -> None:
    port = int(url.rsplit(":", 1)[1])
    slow = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(20)]
    for each in slow:
        each.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")

    response = requests.get(f"{url}/x", timeout=5)

    assert response.status_code == 200
    for each in slow:
        each.close()


def test_stops_within_seconds_with_clients_connected(eventually: Callable[..., Any]) -> None:
    with serving("tests.config.front_sample") as (url, process):
        until_up(url)
        idle = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
        idle.request("GET", "/x")
        idle.getresponse().read()

        status, output, took = stopped(process)

        assert "raw handler stopped" in output
        assert took < STOPS_WITHIN, output
        assert status in (0, -signal.SIGTERM)


def connections_to(clone: Any) -> int:
    """How many the server has open, but for the one that asks."""
    with psycopg.connect(clone.owner_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND application_name = 'watchbill'"
        ).fetchone()
    return int(row[0]) if row else 0


def test_serves_the_product_and_stops_after_load(fresh_db: Any) -> None:
    urls = {"DATABASE_URL": fresh_db.runtime_url, "DATABASE_OWNER_URL": fresh_db.owner_url}
    with serving("config.asgi", **urls) as (url, process):
        until_up(url)
        codes: list[int] = []

        def load() -> None:
            with requests.Session() as session:
                for _ in range(20):
                    codes.append(session.get(f"{url}/api/v1/units/", timeout=30).status_code)

        threads = [threading.Thread(target=load) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ready = requests.get(f"{url}/readyz", timeout=30)
        open_connections = connections_to(fresh_db)
        status, output, took = stopped(process)

        assert set(codes) == {401}
        assert open_connections <= 8 + 2  # the threads' own, kept between requests; and intake
        assert ready.json()["checks"]["database"]["ok"] is True
        assert took < STOPS_WITHIN, output
        assert status in (0, -signal.SIGTERM)
