"""Set-up mode: for the first administrator alone, once."""

import pytest

from config.access.operations import revoke_role
from config.access.rules import Role
from config.errors import FourEyes
from config.events.models import Event
from config.governance.models import Approval, VersionState
from config.governance.operations import approve, new_draft, submit
from config.governance.setup import ENDED, is_setup_mode
from tests.config import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def first(db):
    return make.superuser("first")


def own_version(policy, person):
    version = new_draft(policy, actor=person)
    return submit(version, actor=person, reason="Set up")


def test_lets_the_only_approver_approve_their_own_and_says_so(policy, first):
    version = own_version(policy, first)

    approve(version, actor=first, content_hash=version.content_hash)

    assert version.state == VersionState.APPROVED
    assert Approval.objects.get(version_id=version.pk).in_setup_mode
    event = Event.objects.get(kind="policy.approved", subject_id=version.pk)
    assert event.data["setup_mode"] is True


def test_ends_with_the_second_approver(policy, first):
    assert is_setup_mode()
    make.role(Role.POLICY_APPROVER, to=make.user("second"))

    assert not is_setup_mode()
    assert Event.objects.filter(kind=ENDED).count() == 1
    version = own_version(policy, first)
    with pytest.raises(FourEyes):
        approve(version, actor=first, content_hash=version.content_hash)


def test_ends_with_a_second_superuser(policy, first):
    make.superuser("second")

    assert not is_setup_mode()


def test_ends_with_a_team_of_approvers(policy, first):
    team = make.team(members=(make.user("second"),))
    make.role(Role.POLICY_APPROVER, to=team)

    assert not is_setup_mode()


def test_never_returns(policy, first):
    role = make.role(Role.POLICY_APPROVER, to=make.user("second"))
    revoke_role(role, actor=first, reason="Left")

    assert not is_setup_mode()


def test_does_not_count_service_accounts(first):
    make.role(Role.POLICY_APPROVER, to=make.service_account("robot"))

    assert is_setup_mode()
