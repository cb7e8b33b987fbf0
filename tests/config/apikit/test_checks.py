"""The system check: an action that declares nothing doesn't start."""

from typing import Any

import pytest
from django.core.management import call_command
from rest_framework import serializers

from config.apikit.checks import check, declared_actions
from config.apikit.views import VIEW, Creates, Resource
from config.due.models import Timer
from config.organisation.models import BusinessUnit


class Out(serializers.Serializer[Any]):
    pass


class Good(Creates, Resource[BusinessUnit]):
    model = BusinessUnit
    out = Out
    create_in = "parent"
    action_permissions = {"list": VIEW, "create": "add_unit"}


def ids(view: Any, *actions: str) -> list[str | None]:
    return [found.id for found in check(view, set(actions))]


def test_finds_nothing_wrong_with_a_declared_resource() -> None:
    assert ids(Good, "list", "create") == []


def test_finds_an_undeclared_action() -> None:
    assert ids(Good, "list", "create", "retire") == ["api.E002"]


def test_finds_a_verb_that_nobody_registered() -> None:
    class Bad(Good):
        action_permissions = {"list": VIEW, "retire": "retire"}

    assert ids(Bad, "list", "retire") == ["api.E003"]


def test_finds_a_model_without_a_door() -> None:
    class Bad(Resource[Timer]):
        model = Timer
        out = Out
        action_permissions = {"list": VIEW}

    assert ids(Bad, "list") == ["api.E001"]


def test_finds_a_create_without_a_container() -> None:
    class Bad(Good):
        create_in = ""

    assert ids(Bad, "list", "create") == ["api.E004"]


def test_finds_nothing_wrong_with_the_product() -> None:
    assert declared_actions(None) == []


@pytest.mark.django_db
def test_makes_a_valid_document_without_warnings(tmp_path: Any) -> None:
    target = tmp_path / "openapi.yaml"

    call_command("spectacular", validate=True, fail_on_warn=True, file=str(target))

    text = target.read_text()
    assert "application/problem+json" in text
    assert "Idempotency-Key" in text
