"""Approvals at once: each counts, each once, and the last one decides."""

import pytest

from config.errors import DomainError
from config.events.models import Event
from config.governance.models import Approval, SettingVersion, VersionState
from config.governance.operations import approve, send_back
from tests.harness.racing import together

pytestmark = pytest.mark.usefixtures("fresh_db")


def fresh(version):
    return SettingVersion.objects.get(pk=version.pk)


def approval_by(person, version):
    return lambda: approve(fresh(version), actor=person, content_hash=version.content_hash)


def codes(results):
    return [each.public_code for each in results if isinstance(each, DomainError)]


def count(kind, version):
    return Event.objects.filter(kind=kind, subject_id=version.pk).count()


def test_counts_two_at_once(demand, submitted, people):
    demand({"kind": "setting", "people": 2, "roles": ["legal"]}, {"kind": ""})

    results = together(approval_by(people.paul, submitted), approval_by(people.lee, submitted))

    assert codes(results) == []
    assert fresh(submitted).state == VersionState.APPROVED
    assert Approval.objects.filter(version=submitted.pk).count() == 2
    assert count("policy.approval_recorded", submitted) == 1
    assert count("policy.approved", submitted) == 1


def test_counts_one_person_once(demand, submitted, people):
    demand({"kind": "", "people": 2})

    results = together(*[approval_by(people.paul, submitted)] * 3)

    assert codes(results) == ["approval_given"] * 2
    assert fresh(submitted).state == VersionState.IN_REVIEW
    assert Approval.objects.filter(version=submitted.pk).count() == 1


def test_counts_none_that_comes_after_it_was_sent_back(demand, submitted, people):
    demand({"kind": "", "people": 2})
    approval_by(people.paul, submitted)()

    results = together(
        approval_by(people.petra, submitted),
        lambda: send_back(fresh(submitted), actor=people.pia, reason="Say why"),
    )

    assert set(codes(results)) <= {"transition_refused"}
    assert fresh(submitted).state == VersionState.DRAFT
