"""The people of governance, and a setting to work on."""

import pytest

from config.access.rules import Role
from config.governance.models import Policy, SettingVersion
from config.governance.operations import propose
from config.governance.seeding import seed_setting_policies
from config.organisation.models import User
from tests.config import make

KEY = "lifecycle.reopen_days"


@pytest.fixture
def author(db: None) -> User:
    person = make.user("anna", name="Anna Author")
    make.role(Role.POLICY_AUTHOR, to=person)
    return person


@pytest.fixture
def approver(db: None) -> User:
    person = make.user("paul", name="Paul Prover")
    make.role(Role.POLICY_APPROVER, to=person)
    return person


@pytest.fixture
def second_approver(db: None) -> User:
    person = make.user("petra", name="Petra Prover")
    make.role(Role.POLICY_APPROVER, to=person)
    return person


@pytest.fixture
def approvers(approver: User, second_approver: User) -> tuple[User, User]:
    """Two, so that set-up mode is over."""
    return approver, second_approver


@pytest.fixture
def seeded(db: None) -> SettingVersion:
    """All settings at version 1; returns the one to work on."""
    seed_setting_policies(make.system())
    return SettingVersion.objects.get(policy__key=KEY)


@pytest.fixture
def policy(seeded: SettingVersion) -> Policy:
    return seeded.policy


@pytest.fixture
def draft(seeded: SettingVersion, author: User) -> SettingVersion:
    """Version 2: nine days instead of seven."""
    return propose(
        SettingVersion, KEY, actor=author, values={"value": 9}, reason="Customers come back late"
    )
