"""Bearer tokens: in force, from the right network, of the right scope."""

import datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.test.utils import override_settings
from rest_framework.test import APIClient

from config.events.models import Event
from config.organisation import operations
from config.organisation.models import TOKEN_PREFIX, ApiToken, ApiTokenUse, Scope, User
from tests.config import make

pytestmark = pytest.mark.django_db
URL = "/api/v1/units/"
NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


def get(secret: str, **headers: Any) -> Any:
    return APIClient().get(URL, HTTP_AUTHORIZATION=f"Bearer {secret}", **headers)


@pytest.mark.parametrize(
    "secret", ["", "wb_pat_", "wb_pat_" + "x" * 43, "wb_pat_ü", "wb_pat_" + "x" * 5000, "ghp_abc"]
)
def test_refuses_what_is_no_token_of_ours(secret: str) -> None:
    response = get(secret)

    assert (response.status_code, response.json()["code"]) == (401, "token_unknown")
    assert response["WWW-Authenticate"] == 'Bearer realm="watchbill"'


def test_accepts_until_it_expires(admin: User) -> None:
    secret = make.token(admin, expires_at=NOON)

    with time_machine.travel(NOON - datetime.timedelta(seconds=1), tick=False):
        before = get(secret)
    with time_machine.travel(NOON, tick=False):
        after = get(secret)

    assert before.status_code == 200
    assert (after.status_code, after.json()["code"]) == (401, "token_expired")


def test_refuses_from_the_next_request_after_revocation(admin: User) -> None:
    secret = make.token(admin)
    before = get(secret)

    operations.revoke_token(ApiToken.objects.get(owner=admin), actor=admin)
    after = get(secret)

    assert before.status_code == 200
    assert (after.status_code, after.json()["code"]) == (401, "token_revoked")


def test_refuses_when_the_owner_is_deactivated(admin: User, root: User) -> None:
    secret = make.token(admin)

    operations.deactivate_user(admin, actor=root, reason="left")

    assert get(secret).json()["code"] == "owner_inactive"


@pytest.mark.parametrize(
    ("peer", "forwarded", "status"),
    [
        ("10.1.2.3", "", 200),
        ("192.0.2.1", "", 403),
        ("192.0.2.1", "10.1.2.3", 403),
        ("127.0.0.1", "10.1.2.3", 200),
        ("127.0.0.1", "10.1.2.3, 192.0.2.1", 403),
        ("127.0.0.1", "10.1.2.3, 172.16.0.9", 200),
        ("127.0.0.1", "10.1.2.3, rubbish", 403),
        ("::ffff:10.1.2.3", "", 200),
    ],
)
@override_settings(TRUSTED_PROXIES=["127.0.0.1", "172.16.0.0/12"])
def test_accepts_only_its_networks(admin: User, peer: str, forwarded: str, status: int) -> None:
    secret = make.token(admin, networks=["10.0.0.0/8"])

    response = get(secret, REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)

    assert response.status_code == status
    if status == 403:
        assert response.json()["code"] == "token_network"
        assert Event.objects.get(kind="access.refused").data["code"] == "token_network"


@pytest.mark.parametrize(
    ("scopes", "reading", "writing"),
    [
        ([Scope.ADMIN], 200, 201),
        ([Scope.INCIDENT_READ], 200, 403),
        ([Scope.INCIDENT_WRITE], 403, 403),
        ([Scope.ALERT_INGEST, Scope.ONCALL_READ], 403, 403),
    ],
)
def test_is_bound_by_its_scopes(
    admin: User, retail: Any, scopes: list[Scope], reading: int, writing: int
) -> None:
    client = make.api(admin, *scopes)

    read = client.get(URL)
    written = client.post(URL, {"key": "new", "name": "New", "parent": "retail"})

    assert (read.status_code, written.status_code) == (reading, writing)
    if writing == 403:
        assert written.json()["code"] == "scope_missing"


def test_notes_its_use_once_a_minute(admin: User, django_assert_num_queries: Any) -> None:
    secret = make.token(admin)

    for seconds in (0, 30, 59, 61):
        with time_machine.travel(NOON + datetime.timedelta(seconds=seconds), tick=False):
            get(secret, REMOTE_ADDR=f"192.0.2.{seconds}")

    use = ApiTokenUse.objects.get(token__owner=admin)
    assert use.last_used_at == NOON + datetime.timedelta(seconds=61)
    assert use.last_address == "192.0.2.61"


def test_is_shown_once_and_kept_as_a_hash(api: APIClient, admin: User) -> None:
    body = {"name": "laptop", "scopes": ["incident:read"], "networks": ["127.0.0.0/8"]}

    made = api.post("/api/v1/tokens/", body)
    found = api.get(f"/api/v1/tokens/{made.json()['id']}/").json()

    secret = made.json()["token"]
    assert made.status_code == 201
    assert secret.startswith(TOKEN_PREFIX)
    assert "token" not in found
    assert found["hint"] == secret[:12]
    row = ApiToken.objects.get(pk=found["id"])
    assert row.digest == ApiToken.digest_of(secret)
    assert row.owner == admin
    assert get(secret).status_code == 200


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"scopes": []}, "empty", "#/scopes"),
        ({"scopes": ["root"]}, "invalid_choice", "#/scopes/0"),
        ({"networks": ["everywhere"]}, "network_invalid", "#/networks/0"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "invalid", "#/expires_at"),
        ({"owner": "nobody"}, "does_not_exist", "#/owner"),
    ],
)
def test_says_what_is_wrong_with_a_new_one(
    api: APIClient, change: dict[str, Any], code: str, pointer: str
) -> None:
    body = {"name": "laptop", "scopes": ["incident:read"], **change}

    response = api.post("/api/v1/tokens/", body)

    assert response.status_code == 400
    found = response.json()["errors"][0]
    assert (found["code"], found["pointer"]) == (code, pointer)


def test_is_made_for_a_service_account_by_an_administrator_only(
    api: APIClient, bob: User, payments: Any
) -> None:
    robot = make.service_account("robot")
    make.join(payments, robot)
    body = {"name": "sync", "scopes": ["incident:write"], "owner": "robot"}

    allowed = api.post("/api/v1/tokens/", body)
    refused = make.api(bob).post("/api/v1/tokens/", body)
    for_person = api.post("/api/v1/tokens/", {**body, "owner": "bob"})

    assert allowed.status_code == 201
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert (for_person.status_code, for_person.json()["code"]) == (409, "token_owner")
    assert ApiToken.objects.filter(owner=robot).count() == 1


def test_is_seen_and_revoked_by_its_owner_only(api: APIClient, bob: User, mallory: User) -> None:
    client = make.api(bob)
    made = client.post("/api/v1/tokens/", {"name": "own", "scopes": ["incident:read"]}).json()
    url = f"/api/v1/tokens/{made['id']}/"

    strangers = [make.api(mallory).get(url), api.get(url), make.api(mallory).post(f"{url}revoke/")]
    revoked = client.post(f"{url}revoke/", {"reason": "lost"})
    again = client.delete(url, HTTP_IF_MATCH=revoked["ETag"])

    assert {response.status_code for response in strangers} == {404}
    assert revoked.status_code == 200
    assert get(made["token"]).status_code == 401
    assert (again.status_code, again.json()["code"]) == (409, "token_revoked_already")


def test_lets_a_browser_write_only_with_its_csrf_token(root: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(root)

    read = client.get(URL)
    written = client.post(URL, "{}", content_type="application/json")

    assert read.status_code == 200
    assert (written.status_code, written.json()["code"]) == (403, "csrf_failed")
