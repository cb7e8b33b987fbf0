"""Sessions and headers: fixation, CSRF, clickjacking, cookies, redirects, the Host header."""

import datetime
from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db.models.functions import Now
from django.test import Client

from config.access.sessions import SessionStore
from config.environment import Environment
from config.organisation.models import User
from config.organisation.operations import deactivate_user, set_password
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from tests.config import make
from tests.incidents import make as make_incidents

SECRET = "correct horse battery"
LOGIN = "/accounts/login/"


@pytest.fixture
def captain(db: None) -> User:
    cache.clear()
    return make.user("captain", password=SECRET)


def sign_in(client: Client, **more: str) -> Any:
    return client.post(LOGIN, {"login": "captain", "password": SECRET, **more})


def test_gives_a_new_session_at_sign_in(captain: User):
    client = Client()
    session = client.session
    session["planted"] = True
    session.save()
    planted = client.cookies["sessionid"].value

    sign_in(client)

    assert client.cookies["sessionid"].value != planted
    thief = Client()
    thief.cookies["sessionid"] = planted
    assert thief.get("/admin/").status_code == 302


def test_ends_the_session_at_sign_out(captain: User):
    client = Client()
    sign_in(client)
    kept = client.cookies["sessionid"].value

    client.post("/accounts/logout/")

    thief = Client()
    thief.cookies["sessionid"] = kept
    assert thief.get("/admin/").status_code == 302


def test_ends_after_its_time(captain: User):
    client = Client()
    sign_in(client)
    assert client.get("/admin/").status_code == 200

    Session.objects.update(expire_date=Now() - datetime.timedelta(seconds=1))

    assert client.get("/admin/").status_code == 302


def test_keeps_whose_it_is_by_the_house_s_own_backend(captain: User):
    client = Client()

    sign_in(client)

    assert client.session[BACKEND_SESSION_KEY] == "config.access.backends.ContainerBackend"
    assert isinstance(client.session, SessionStore)


@pytest.mark.parametrize("how", ["password", "deactivated"])
def test_ends_every_session_when_the_account_changes_hands(captain: User, root: User, how: str):
    client = Client()
    sign_in(client)
    assert client.get("/admin/").status_code == 200

    if how == "password":
        set_password(captain, password="another " + SECRET, actor=root)
    else:
        deactivate_user(captain, actor=root, reason="Left")

    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "http:evil.example",
        "javascript:alert(1)",
        "https:/evil.example",
        " //evil.example",
        "/admin/\r\nX-Evil: 1",
    ],
)
def test_leads_nowhere_else_after_sign_in(captain: User, target: str):
    answer = sign_in(Client(), next=target)

    assert answer.status_code == 302
    assert answer.url.startswith("/admin/")
    assert "X-Evil" not in answer.headers


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "a b", "x\\y"])
@pytest.mark.parametrize("path", ["/admin/", "/api/v1/me/", LOGIN])
def test_answers_no_other_host(db: None, host: str, path: str):
    answer = Client().get(path, headers={"host": host})

    assert answer.status_code == 400
    assert host not in answer.content.decode()


def test_takes_no_host_from_a_forwarded_header(checkout: Service, alice: User):
    client = make.api(alice)

    answer = client.post(
        "/api/v1/incidents/",
        {"title": "Slow", "service": "checkout", "level": "error"},
        HTTP_X_FORWARDED_HOST="evil.example",
    )

    assert answer.status_code == 201
    assert answer.headers["Location"].startswith("http://testserver/api/v1/incidents/")


@pytest.mark.parametrize("verb", ["acknowledge", "resolve"])
def test_asks_a_browser_for_the_csrf_token(checkout: Service, alice: User, verb: str):
    found = make_incidents.incident(service=checkout, actor=alice)
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    pages = (f"/admin/incidents/incident/{found.pk}/do/{verb}/", "/admin/incidents/incident/")
    forged = {"action": verb, "_selected_action": str(found.pk)}

    statuses = [client.post(page, forged).status_code for page in pages]
    api = client.post(f"/api/v1/incidents/{found.reference}/{verb}/", {}, "application/json")

    assert [*statuses, api.status_code] == [403, 403, 403]
    stored = Incident.objects.get(pk=found.pk)
    assert (stored.state, stored.acknowledged_at) == (found.state, None)


@pytest.mark.parametrize("path", ["/admin/", LOGIN, "/api/v1/me/", "/problems/", "/api/docs/"])
def test_says_how_a_page_may_be_used(captain: User, path: str):
    client = Client()
    if path != LOGIN:
        sign_in(client)

    headers = client.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] in ("DENY", "SAMEORIGIN")
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    assert "object-src 'none'" in policy
    assert "script-src 'self' 'unsafe-inline'" not in policy
    allowed = "'self'" if path == "/admin/" else "'none'"
    assert f"frame-ancestors {allowed}" in policy


def test_shuts_cookies_off_from_scripts_and_other_sites(captain: User):
    client = Client()
    sign_in(client)

    cookie = client.cookies["sessionid"]

    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Lax"


@pytest.mark.parametrize(
    ("url", "secure"),
    [
        ("https://watchbill.example.org", True),
        ("http://watchbill.example.org", True),
        ("http://127.0.0.1:8000", False),
        ("http://127.0.0.1.evil.example", True),
    ],
)
def test_wants_https_everywhere_but_on_loopback(url: str, secure: bool, tmp_path: Any):
    found = Environment({"WATCHBILL_BASE_URL": url}, var=tmp_path)

    assert found.secure_cookies() is secure


def test_pins_https_for_a_year(captain: User, settings: Any):
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    client = Client()

    plain = client.get(LOGIN)
    answer = client.post(LOGIN, {"login": "captain", "password": SECRET}, secure=True)

    assert plain.status_code == 301
    assert plain.headers["Location"] == f"https://testserver{LOGIN}"
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert client.cookies["sessionid"]["secure"] is True


@pytest.mark.parametrize("name", ["token", "access_token", "api_key", "Authorization"])
def test_takes_no_token_from_the_query(alice: User, name: str):
    secret = make.token(alice)

    answer = Client().get("/api/v1/me/", {name: secret})

    assert answer.status_code == 401
    assert secret not in answer.content.decode()


def test_takes_a_token_from_no_cookie(alice: User):
    client = Client()
    client.cookies["token"] = client.cookies["sessionid"] = make.token(alice)

    assert client.get("/api/v1/me/").status_code == 401


def test_locks_out_whatever_host_is_named(captain: User):
    """The port of the Host header is the visitor's own invention."""
    for number in range(5):
        host = {"host": f"localhost:{number + 1}"}
        Client().post(LOGIN, {"login": "captain", "password": "wrong"}, headers=host)

    client = Client()
    sign_in(client)

    assert client.get("/admin/").status_code == 302
