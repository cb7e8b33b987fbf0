"""Changes to units, teams, accounts and tokens, each recorded, each refused where it must be."""

import datetime
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from config import clock
from config.access.operations import enterprise
from config.errors import DomainError
from config.events.models import Event
from config.organisation import operations
from config.organisation.models import ApiToken, BusinessUnit, Team, User
from tests.config import make

pytestmark = pytest.mark.django_db


def test_edit_records_only_what_changed(payments: Team, root: User) -> None:
    operations.edit_team(
        payments, changes={"name": "Payments", "description": "Money"}, actor=root, reason="clearer"
    )

    event = Event.objects.get(kind="team.edited")
    assert (event.data, event.reason, event.actor) == (
        {"fields": ["description"]},
        "clearer",
        root,
    )
    assert payments.revision == 2


def test_edit_records_nothing_when_nothing_changed(payments: Team, root: User) -> None:
    operations.edit_team(payments, changes={"name": "Payments"}, actor=root)

    assert not Event.objects.filter(kind="team.edited").exists()
    payments.refresh_from_db()
    assert payments.revision == 1


def test_edit_survives_a_stale_copy(payments: Team, root: User) -> None:
    stale = Team.objects.get(pk=payments.pk)
    operations.edit_team(payments, changes={"name": "Pay"}, actor=root)

    operations.edit_team(stale, changes={"description": "Money"}, actor=root)

    found = Team.objects.get(pk=payments.pk)
    assert (found.name, found.description, found.revision) == ("Pay", "Money", 3)


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"key": "x"}, "read_only"), ({"revision": 9}, "read_only")],
)
def test_edit_refuses_other_fields(
    payments: Team, root: User, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(DomainError) as refused:
        operations.edit_team(payments, changes=changes, actor=root)

    assert refused.value.public_code == code
    assert not Event.objects.filter(kind="team.edited").exists()


def test_edit_leaves_the_enterprise_at_the_root(retail: BusinessUnit, root: User) -> None:
    with pytest.raises(DomainError) as refused:
        operations.edit_unit(enterprise(), changes={"parent": retail}, actor=root)

    assert refused.value.public_code == "unit_root_stays"


def test_create_person_refuses_a_name_that_differs_in_case_only(bob: User, root: User) -> None:
    with pytest.raises(ValidationError) as refused:
        operations.create_person(username="BOB", name="Bob", email="b@example.org", actor=root)

    assert "user_username_unique" in {error.code for error in refused.value.error_dict["__all__"]}


def test_service_accounts_have_neither_password_nor_admin(root: User) -> None:
    robot = operations.create_service_account(username="robot", name="Robot", actor=root)

    with pytest.raises(DomainError, match="token"):
        operations.set_password(robot, password="x" * 20, actor=root)
    with pytest.raises(DomainError, match="admin"):
        operations.edit_user(robot, changes={"is_staff": True}, actor=root)

    assert not robot.has_usable_password()


def test_deactivate_refuses_the_system_and_oneself(root: User) -> None:
    with pytest.raises(DomainError) as system:
        operations.deactivate_user(make.system(), actor=root, reason="x")
    with pytest.raises(DomainError) as oneself:
        operations.deactivate_user(root, actor=root, reason="x")

    assert system.value.public_code == "user_is_system"
    assert (oneself.value.public_code, oneself.value.audit) == ("user_is_actor", True)


def test_deactivate_wants_a_reason_and_can_be_taken_back(bob: User, root: User) -> None:
    with pytest.raises(DomainError) as refused:
        operations.deactivate_user(bob, actor=root, reason=" ")
    operations.deactivate_user(bob, actor=root, reason="left")
    operations.activate_user(bob, actor=root, reason="back")

    assert refused.value.field == "reason"
    kinds = Event.objects.filter(subject_id=bob.pk, kind__startswith="user.").order_by("pk")
    assert list(kinds.values_list("kind", flat=True)) == ["user.deactivated", "user.activated"]
    assert User.objects.get(pk=bob.pk).is_active


def test_a_token_ends_after_90_days_unless_said_otherwise(bob: User) -> None:
    token, secret = operations.create_token(
        owner=bob, name="laptop", scopes=["incident:read"], actor=bob
    )

    assert token.expires_at is not None
    assert abs(token.expires_at - clock.now() - datetime.timedelta(days=90)).seconds < 60
    assert ApiToken.objects.get(digest=ApiToken.digest_of(secret)) == token
    event = Event.objects.get(kind="token.created")
    assert secret not in str(event.data)


@pytest.mark.parametrize("scopes", [[], ["root"]])
def test_a_token_needs_scopes_that_exist(bob: User, scopes: list[str]) -> None:
    with pytest.raises((DomainError, ValidationError)):
        operations.create_token(owner=bob, name="laptop", scopes=scopes, actor=bob)

    assert not ApiToken.objects.exists()


def test_a_token_of_an_inactive_owner_is_refused(bob: User, root: User) -> None:
    operations.deactivate_user(bob, actor=root, reason="left")

    with pytest.raises(DomainError) as refused:
        operations.create_token(owner=bob, name="laptop", scopes=["admin"], actor=bob)

    assert refused.value.public_code == "owner_inactive"
