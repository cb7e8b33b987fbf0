"""Sign-offs at once: each side signs once, by different people, and an activation sees them all."""

from typing import Any

import pytest

from config.access.rules import Role
from config.errors import DomainError
from config.governance.activation import activate
from config.governance.models import SignOff, VersionState
from config.governance.rules import Capacity
from config.governance.signing import name_change, sign_off
from incidents.taxonomy.models import SeverityTableVersion
from tests.config import make
from tests.config.agreements.conftest import signed_by
from tests.harness.racing import together

pytestmark = pytest.mark.usefixtures("fresh_db")


def fresh(version: Any) -> SeverityTableVersion:
    return SeverityTableVersion.objects.get(pk=version.pk)


def sign(version, person, capacity):
    return sign_off(
        fresh(version), actor=person, capacity=capacity, content_hash=version.content_hash
    )


def codes(results):
    return [each.public_code for each in results if isinstance(each, DomainError)]


def test_signs_once_for_a_side(approved, people):
    lawyers = [people.signers[Capacity.LEGAL], make.user("lou"), make.user("liv")]
    for person in lawyers[1:]:
        make.role(Role.LEGAL, to=person)

    results = together(*[lambda who=each: sign(approved, who, "legal") for each in lawyers])

    assert codes(results) == ["sign_off_given"] * 2
    assert SignOff.objects.filter(version=approved.pk).count() == 1


def test_lets_nobody_sign_for_two_sides(approved, people):
    lee = people.signers[Capacity.LEGAL]
    make.role(Role.EXECUTIVE, to=lee)

    results = together(
        lambda: sign(approved, lee, "legal"), lambda: sign(approved, lee, "business_unit")
    )

    assert codes(results) == ["four_eyes"]
    assert SignOff.objects.filter(version=approved.pk).count() == 1


def test_activates_only_with_the_last_signature(approved, people):
    name_change(approved, actor=people.author, reference="CHG1")
    for capacity in (Capacity.SERVICE_OWNER, Capacity.BUSINESS_UNIT):
        signed_by(people, approved, capacity)

    _, activated = together(
        lambda: sign(approved, people.signers[Capacity.LEGAL], "legal"),
        lambda: activate(fresh(approved), actor=people.author),
    )

    assert SignOff.objects.filter(version=approved.pk).count() == 3
    was_late = isinstance(activated, DomainError)
    assert fresh(approved).state == (VersionState.APPROVED if was_late else VersionState.ACTIVE)
    if was_late:
        assert [each["code"] for each in activated.extra["blockers"]] == ["sign_off_missing"]
        activate(fresh(approved), actor=people.author)
    assert fresh(approved).state == VersionState.ACTIVE
