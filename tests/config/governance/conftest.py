"""The people of governance, and a setting to work on."""

from config.access.rules import Role
from config.governance.models import Policy, SettingVersion
from config.governance.operations import propose
from config.governance.seeding import seed_setting_policies
from config.organisation.models import User
from tests.config import make
from tests.harness.kept import kept

KEY = "lifecycle.reopen_days"


@kept
def author() -> User:
    person = make.user("anna", name="Anna Author")
    make.role(Role.POLICY_AUTHOR, to=person)
    return person


@kept
def approver() -> User:
    person = make.user("paul", name="Paul Prover")
    make.role(Role.POLICY_APPROVER, to=person)
    return person


@kept
def second_approver() -> User:
    person = make.user("petra", name="Petra Prover")
    make.role(Role.POLICY_APPROVER, to=person)
    return person


@kept
def approvers(approver: User, second_approver: User) -> tuple[User, User]:
    """Two, so that set-up mode is over."""
    return approver, second_approver


@kept(heavy=True)
def seeded() -> SettingVersion:
    """Of all settings at version 1 the one to work on: seeding takes longer than most tests."""
    seed_setting_policies(make.system())
    found: SettingVersion = SettingVersion.objects.get(policy__key=KEY)
    return found


@kept
def policy(seeded: SettingVersion) -> Policy:
    return seeded.policy


@kept
def draft(seeded: SettingVersion, author: User) -> SettingVersion:
    """Version 2: nine days instead of seven."""
    return propose(
        SettingVersion, KEY, actor=author, values={"value": 9}, reason="Customers come back late"
    )
