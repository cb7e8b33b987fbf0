"""What one may not see isn't there: not in lists, forms, pickers, filters, history or palette."""

import pytest
from django.test import Client
from django.urls import reverse

from config.adminkit.scoping import visible_rows
from config.events.models import Event
from config.organisation import operations
from config.organisation.models import Team, User
from tests.config import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def stranger(mallory: User) -> Client:
    return make.browser(mallory)


def team_page(team: Team, page: str, *more: str) -> str:
    return reverse(f"admin:config_team_{page}", args=(team.pk, *more))


def test_lists_visible_rows_only(stranger: Client, payments: Team, logistics: Team):
    rows = stranger.get(reverse("admin:config_team_changelist")).context["cl"].queryset

    assert list(rows) == [logistics]


@pytest.mark.parametrize("page", ["change", "history"])
def test_answers_404_for_an_invisible_row(stranger: Client, payments: Team, page: str):
    assert stranger.get(team_page(payments, page)).status_code == 404


def test_answers_404_to_a_verb_on_an_invisible_row(stranger: Client, alice: User):
    answer = stranger.post(reverse("admin:config_user_verb", args=(alice.pk, "deactivate")))

    assert answer.status_code == 404
    alice.refresh_from_db()
    assert alice.is_active


def test_answers_403_to_a_verb_one_may_not_do(stranger: Client, mallory: User):
    answer = stranger.post(
        reverse("admin:config_user_verb", args=(mallory.pk, "deactivate")), {"reason": "bored"}
    )

    assert answer.status_code == 403
    mallory.refresh_from_db()
    assert mallory.is_active


def test_closes_single_versions_of_the_history(root: User, payments: Team):
    version = payments.history.first()
    address = reverse("admin:config_team_simple_history", args=(payments.pk, version.pk))

    answer = make.browser(root).get(address)

    assert answer.status_code == 404


def test_completes_with_visible_rows_only(stranger: Client, alice: User, mallory: User):
    answer = stranger.get(
        reverse("admin:autocomplete"),
        {"app_label": "config", "model_name": "membership", "field_name": "user", "term": ""},
    )

    assert [found["text"] for found in answer.json()["results"]] == [str(mallory)]


def test_finds_visible_rows_only_in_the_palette(
    stranger: Client, alice: User, payments: Team, logistics: Team
):
    found = "".join(
        stranger.get(reverse("admin:search"), {"s": words}).content.decode()
        for words in ("logis", "paym", "alic")
    )

    assert logistics.name in found
    assert payments.name not in found
    assert alice.name not in found


def test_forgets_the_palettes_answer_when_a_right_ends(alice: User, payments: Team, root: User):
    client = make.browser(alice)
    assert payments.name in client.get(reverse("admin:search"), {"s": "pay"}).content.decode()

    operations.deactivate_user(alice, actor=root, reason="left")

    assert client.get(reverse("admin:search"), {"s": "pay"}).status_code == 302


def test_shows_nobody_a_model_without_a_rule(rf, mallory: User, root: User, alice: User):
    request = rf.get("/admin/")
    request.user = mallory
    as_mallory = visible_rows(Event, request)
    other = rf.get("/admin/")
    other.user = root

    assert not as_mallory.exists()
    assert visible_rows(Event, other).exists()
