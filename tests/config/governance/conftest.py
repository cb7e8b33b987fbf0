"""The people of governance, and a setting to work on."""

from collections.abc import Iterator
from typing import Any

import pytest

from config.access.rules import Role
from config.governance.models import Policy, SettingVersion
from config.governance.operations import propose
from config.governance.seeding import seed_setting_policies
from config.organisation.models import User
from tests.config import make
from tests.harness import databases

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


@pytest.fixture(scope="module")
def seeded_once(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """All settings at version 1: seeding takes longer than most tests of it."""
    with databases.for_several_tests(django_db_blocker):
        seed_setting_policies(make.system())
        yield


@pytest.fixture
def seeded(seeded_once: None, db: None) -> SettingVersion:
    """Of all settings at version 1 the one to work on."""
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
