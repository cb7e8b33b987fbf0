"""Signing in and out: recorded, limited, and only for people who may."""

from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from config.events.models import Event
from config.organisation.models import User, UserKind
from tests.config import make

SECRET = "correct horse battery"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    cache.clear()


@pytest.fixture
def captain(fresh_limits: None) -> User:
    return make.user("captain", password=SECRET)


def sign_in(login: str, password: str, client: Client | None = None) -> Any:
    values = {"login": login, "password": password}
    return (client or Client()).post(reverse("account_login"), values)


def failures() -> list[dict[str, str]]:
    found = Event.objects.filter(kind="auth.failed").order_by("pk")
    return list(found.values_list("data", flat=True))


def test_sends_the_admins_visitor_to_the_sign_in_page():
    answer = Client().get("/admin/", follow=True)

    assert answer.redirect_chain[-1][0].startswith("/accounts/login/?next=")
    assert "'unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("login", ["captain", "CAPTAIN", "captain@example.org"])
def test_signs_in_by_name_or_mail_address(captain: User, login: str):
    answer = sign_in(login, SECRET)

    assert (answer.status_code, answer.url) == (302, "/admin/")
    assert Event.objects.filter(kind="auth.signed_in", actor=captain).count() == 1


def test_records_a_wrong_password(captain: User):
    answer = sign_in("captain", "wrong")

    assert answer.status_code == 200
    assert failures() == [{"because": "wrong_credentials", "login": ""}]
    assert Event.objects.get(kind="auth.failed").actor == captain


def test_keeps_no_password_typed_into_the_field_for_the_name():
    sign_in("my secret password", "x")

    event = Event.objects.get(kind="auth.failed")
    assert event.actor == User.objects.system()
    assert "secret" not in str(event.data)


def test_says_the_same_whether_the_account_exists(captain: User):
    known, unknown = sign_in("captain", "wrong"), sign_in("nobody", "wrong")

    assert known.context["form"].errors == unknown.context["form"].errors


def test_locks_out_after_repeated_failures(captain: User):
    for _ in range(5):
        sign_in("captain", "wrong")

    answer = sign_in("captain", SECRET)

    assert answer.status_code == 200
    assert "Too many failed login attempts" in str(answer.context["form"].errors)
    assert failures()[-1]["because"] == "locked_out"


def test_refuses_the_account_of_a_tool():
    tool = make.user("robot", password=SECRET, kind=UserKind.SERVICE_ACCOUNT)

    answer = sign_in("robot", SECRET)

    assert answer.url == reverse("account_inactive")
    assert failures() == [{"because": "not_a_person_or_closed", "login": ""}]
    assert not Event.objects.filter(kind="auth.signed_in", actor=tool).exists()


def test_tells_a_person_without_access_so():
    client = Client()
    make.user("vendor", password=SECRET, is_staff=False)
    sign_in("vendor", SECRET, client)

    answer = client.get("/admin/", follow=True)

    assert answer.status_code == 403
    assert "This account can't open the admin" in answer.content.decode()


def test_signs_out_by_post_only(captain: User):
    client = make.browser(captain)

    by_get, by_post = client.get("/admin/logout/"), client.post("/admin/logout/")

    assert (by_get.status_code, by_post.status_code) == (405, 302)
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize("name", ["signup", "reset_password"])
def test_has_no_sign_up_and_no_reset(name: str):
    assert Client().get(f"/accounts/{name}/").status_code == 404
    assert Client().get("/accounts/password/reset/").status_code == 404


def test_renews_an_old_hash_by_a_tracked_save(captain: User, settings: Any):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]

    assert sign_in("captain", SECRET).status_code == 302

    captain.refresh_from_db()
    row = captain.history.first()
    assert captain.password.startswith("scrypt$")
    assert (row.history_user, row.history_change_reason) == (captain, "password hash renewed")


def test_changes_ones_own_password(captain: User):
    client = make.browser(captain)
    new = "another long secret"

    client.post(
        reverse("admin:password_change"),
        {"old_password": SECRET, "new_password1": new, "new_password2": new},
    )

    assert sign_in("captain", new).status_code == 302
    assert Event.objects.filter(kind="user.password_set", actor=captain).count() == 1
    assert client.get("/admin/").status_code == 200


def test_makes_the_first_administrator(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", SECRET)

    call_command("createsuperuser", interactive=False, username="first", email="a@b.org", name="F")

    first = User.objects.get(username="first")
    assert first.is_superuser
    assert first.history.first().history_user == make.system()
    assert sign_in("first", SECRET).status_code == 302
