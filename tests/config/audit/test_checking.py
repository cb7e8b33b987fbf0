"""Check constraints of a row are asked together, and said one by one."""

import datetime

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config import clock
from config.access.models import RoleAssignment
from config.access.rules import Role
from config.organisation.models import Team, User

CHECKS = 3


def assignment(team: Team, person: User | None, **fields) -> RoleAssignment:
    role = Group.objects.get(name=Role.ANALYST)
    place = {"container_type": "team", "container_id": team.pk}
    return RoleAssignment(role=role, person=person, reason="x", **place, **fields)


def asked(row: RoleAssignment) -> int:
    """How many questions its checks took."""
    with CaptureQueriesContext(connection) as queries:
        row.validate_constraints()
    return sum('AS "_check"' in each["sql"] and "EXISTS" not in each["sql"] for each in queries)


def test_asks_once_where_all_hold(payments: Team, alice: User):
    row = assignment(payments, alice)

    assert len(row._meta.constraints) > CHECKS
    assert asked(row) == 1


def test_says_each_that_does_not_hold(payments: Team, alice: User):
    yesterday = clock.now() - datetime.timedelta(days=1)
    row = assignment(payments, None, until=yesterday)

    with pytest.raises(ValidationError) as refusal:
        row.validate_constraints()

    assert len(refusal.value.messages) == 2
    assert not row._checks_hold


def test_asks_nothing_of_fields_that_are_left_out(payments: Team, alice: User):
    row = assignment(payments, None)

    row.validate_constraints(exclude={"person", "team", "until", "container_type"})

    with pytest.raises(ValidationError):
        row.validate_constraints(exclude={"until"})
