"""What a reviewer reads: the version against the one in force, field by field."""

import datetime

from django.db.models import QuerySet

from config.governance.models import PolicyVersion, VersionState
from config.governance.rules import Change
from config.governance.wording import difference


def changes_of(version: PolicyVersion) -> list[Change]:
    """What the version changes: against the one in force now, or the one that it followed."""
    return difference(basis_of(version), version)


def basis_of(version: PolicyVersion) -> PolicyVersion | None:
    """The version that held before this one, or holds while this one is being written."""
    others: QuerySet[PolicyVersion] = type(version)._base_manager.filter(policy=version.policy_id)
    if version.in_force is None:
        return others.filter(state=VersionState.ACTIVE).first()
    earlier = others.filter(in_force__isnull=False, number__lt=version.number)
    return earlier.order_by("-number").first()


def in_force_at(version: PolicyVersion, at: datetime.datetime) -> PolicyVersion | None:
    """The version of the same policy that held at that time."""
    rows: QuerySet[PolicyVersion] = type(version)._base_manager.filter(
        policy=version.policy_id, in_force__contains=at
    )
    return rows.first()
