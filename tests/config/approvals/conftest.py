"""A company with a matrix as shipped, people of several roles, and a setting to change."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from config.access.rules import Role
from config.approvals.models import ApprovalMatrixVersion
from config.approvals.operations import seed_approval_matrix
from config.approvals.rules import MATRIX_KEY
from config.governance.activation import activate
from config.governance.models import SettingVersion
from config.governance.operations import approve, propose, submit
from config.governance.seeding import seed_setting_policies
from config.organisation.models import User
from tests.config import make
from tests.harness.kept import kept

KEY = "lifecycle.reopen_days"
type Row = dict[str, Any]


@dataclass(frozen=True)
class People:
    """Who writes, who approves, and who speaks for legal."""

    author: User
    paul: User
    petra: User
    pia: User
    lee: User


@kept
def people() -> People:
    names = ("anna", "paul", "petra", "pia", "lee")
    anna, paul, petra, pia, lee = (make.user(each, name=each.title()) for each in names)
    make.role(Role.POLICY_AUTHOR, to=anna)
    for person in (paul, petra, pia):
        make.role(Role.POLICY_APPROVER, to=person)
    make.role(Role.LEGAL, to=lee)
    return People(anna, paul, petra, pia, lee)


@kept
def shipped() -> ApprovalMatrixVersion:
    found = seed_approval_matrix(make.system())
    assert found is not None
    return found


def matrix_draft(author: User, *rows: Row) -> ApprovalMatrixVersion:
    """A draft of the matrix with these rows."""
    return propose(
        ApprovalMatrixVersion, MATRIX_KEY, actor=author, parts={"demands": rows}, reason="Stricter"
    )


@pytest.fixture
def demand(shipped: ApprovalMatrixVersion, people: People) -> Callable[..., ApprovalMatrixVersion]:
    """Puts a matrix with these rows in force."""

    def put(*rows: Row) -> ApprovalMatrixVersion:
        draft = submit(matrix_draft(people.author, *rows), actor=people.author)
        approve(draft, actor=people.paul, content_hash=draft.content_hash)
        return activate(draft, actor=people.author)

    return put


@kept
def draft(people: People) -> SettingVersion:
    """Version 2 of a setting: nine days instead of seven."""
    seed_setting_policies(make.system())
    return propose(
        SettingVersion, KEY, actor=people.author, values={"value": 9}, reason="Customers come late"
    )


@kept
def submitted(draft: SettingVersion, people: People) -> SettingVersion:
    return submit(draft, actor=people.author)
