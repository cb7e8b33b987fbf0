"""Every registered admin opens, for everybody who may, and stays within its queries."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.access.rules import Role
from config.adminkit.base import site
from config.adminkit.scoped import BaseAdmin
from config.organisation.models import User
from tests.config import make

MODELS = sorted(site._registry, key=lambda model: model._meta.label)
MOST_QUERIES = 60

pytestmark = pytest.mark.django_db


@pytest.fixture
def stranger(mallory: User) -> Client:
    return make.browser(mallory)


def address(model: Any, page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def ids(model: Any) -> str:
    return str(model._meta.label_lower)


@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_stands_on_our_base(model: Any):
    assert isinstance(site._registry[model], BaseAdmin)


@pytest.mark.parametrize("model", MODELS, ids=ids)
@pytest.mark.parametrize("persona", ["root", "carol", "mallory"])
def test_opens_list_search_and_form(model: Any, persona: str, request: pytest.FixtureRequest):
    request.getfixturevalue("checkout")
    visitor = request.getfixturevalue(persona)
    client = make.browser(visitor)
    row = model._default_manager.first()
    pages = [address(model, "changelist"), address(model, "changelist") + "?q=payments"]
    pages.append(address(model, "add"))
    if row is not None:
        pages += [address(model, "change", row.pk), address(model, "history", row.pk)]

    with CaptureQueriesContext(connection) as queries:
        answers = {page: client.get(page).status_code for page in pages}

    assert set(answers.values()) <= {200, 403, 404}
    assert answers[pages[0]] in ({200} if persona == "root" else {200, 403})
    assert len(queries) <= MOST_QUERIES * len(pages)


@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_never_deletes(model: Any, root: User):
    client = make.browser(root)
    row = model._default_manager.first()

    answer = client.post(address(model, "delete", row.pk if row else 1), {"post": "yes"})

    assert answer.status_code == 403
    assert row is None or model._default_manager.filter(pk=row.pk).exists()


def test_shows_the_menu_by_job(root: User):
    menu = make.browser(root).get("/admin/").context["sidebar_navigation"]

    titles = [group.get("title") for group in menu]
    assert titles[0] is None
    assert {"Organisation", "Evidence", "Platform"} <= set(titles)


def test_hides_from_a_stranger_what_only_overseers_read(stranger: Client):
    menu = stranger.get("/admin/").context["sidebar_navigation"]

    links = [item["link"] for group in menu for item in group["items"]]
    assert address_of("config_ledgerentry") not in links
    assert stranger.get(address_of("config_event")).status_code == 403


def test_opens_the_log_to_an_auditor(carol: User):
    answer = make.browser(carol).get(address_of("config_event"))

    assert answer.status_code == 200
    assert Role.AUDITOR in str(list(answer.context["cl"].queryset.values_list("data", flat=True)))


def address_of(name: str) -> str:
    return reverse(f"admin:{name}_changelist")
