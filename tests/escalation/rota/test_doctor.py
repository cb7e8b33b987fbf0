"""`manage.py doctor` finds schedules that would page nobody."""

import pytest

from config.doctor import Result
from config.organisation.models import Team, User
from escalation.rota.handlers import on_call_reachable
from escalation.rota.operations import edit_schedule
from tests.config import make as make_config
from tests.escalation import make

pytestmark = pytest.mark.django_db


def test_is_content_where_everybody_can_be_reached(payments: Team, alice: User) -> None:
    make.contact(alice)
    make.schedule(payments, alice, key="payments-primary")

    assert on_call_reachable().ok is True


def test_finds_somebody_without_a_verified_address(payments: Team, alice: User) -> None:
    make.schedule(payments, alice, key="payments-primary")

    found: Result = on_call_reachable()

    assert found.ok is False
    assert found.detail == "who is on call has no verified address: payments-primary"
    assert "verify a contact method" in found.remedy


def test_finds_a_schedule_without_anybody(payments: Team, alice: User) -> None:
    schedule = make.schedule(payments, key="payments-primary")

    found = on_call_reachable()

    assert (found.ok, found.detail) == (False, "nobody is on call: payments-primary")
    edit_schedule(schedule, actor=make_config.system(), values={"is_active": False})
    assert on_call_reachable().ok is True
