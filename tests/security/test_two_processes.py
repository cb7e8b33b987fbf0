"""Limits hold across web processes: two of them on one database count together."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from config.events.models import Event
from tests.config import make
from tests.harness import processes
from tests.harness.databases import Clone
from tests.incidents.alerts import make as make_alerts

LIMIT = 6
SECRET = "correct horse battery"


@pytest.fixture
def pair(fresh_db: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Two web processes."""
    monkeypatch.setitem(os.environ, "WATCHBILL_API_REQUESTS_PER_MINUTE", str(LIMIT))
    with ExitStack() as stack:
        yield [stack.enter_context(processes.web(fresh_db, tmp_path)) for _ in range(2)]


def ask(url: str, body: bytes | None = None, **headers: str) -> int:
    return _status(urllib.request.build_opener(), urllib.request.Request(url, body, headers))


def _status(opener: Any, request: urllib.request.Request) -> int:
    try:
        with opener.open(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.read()
        return error.code


def sign_in(site: str, password: str, who: str = "captain") -> tuple[int, bool]:
    """Status, and whether a session was given."""
    jar = CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    url = f"{site}/accounts/login/"
    opener.open(url, timeout=30).read()
    token = next(str(each.value) for each in jar if each.name == "csrftoken")
    form = {"login": who, "password": password, "csrfmiddlewaretoken": token}
    status = _status(opener, urllib.request.Request(url, urlencode(form).encode()))
    return status, any(each.name == "sessionid" for each in jar)


def test_counts_calls_of_both(pair: list[str]):
    secret = make.token(make.user("bob"))
    bearer = f"Bearer {secret}"

    found = [ask(f"{pair[n % 2]}/api/v1/me/", Authorization=bearer) for n in range(LIMIT + 4)]

    assert found == [200] * LIMIT + [429] * 4


def test_locks_out_at_both(pair: list[str]):
    """Neither process has seen as many failures as lock somebody out; both together have."""
    make.user("captain", password=SECRET)
    make.user("mate", password=SECRET)

    mates = [sign_in(site, SECRET, "mate")[1] for site in pair]

    for number in range(8):
        sign_in(pair[number % 2], "wrong")

    assert [sign_in(site, SECRET) for site in pair] == [(200, False)] * 2
    signed_in = Event.objects.filter(kind="auth.signed_in")
    assert set(signed_in.values_list("actor__username", flat=True)) == {"mate"}
    assert mates == [True, True]


def test_limits_a_source_at_both(pair: list[str], eventually: Any):
    issued = make_alerts.issued(rate_per_minute=LIMIT)
    body = json.dumps(make_alerts.firing("disk")).encode()

    def send(site: str) -> int:
        url = f"{site}/ingest/generic/{issued.token}"
        return ask(url, body, **{"Content-Type": "application/json"})

    for _ in range(3 * LIMIT):
        send(pair[0])

    assert eventually(lambda: send(pair[1]) == 503)
