"""Which signed agreements bind a version of a policy."""

from collections.abc import Iterator

from django.db import models
from django.db.models import Q

from config import clock
from config.agreements.models import AgreementVersion, Definition, service_named
from config.agreements.rules import binds_on
from config.governance.models import Policy, PolicyVersion
from config.governance.signing import Bond
from config.organisation.models import BusinessUnit
from config.organisation.rules import ancestors


def bonds_of(version: PolicyVersion) -> list[Bond]:
    """The agreements in force and signed that name the version's policy, by title.

    What a unit has of its own in the place of a named policy is bound as that one. An agreement
    binds itself: it changes, as what it names does, by the word of its three sides.
    """
    if isinstance(version, AgreementVersion):
        return _of_itself(version)
    return sorted(_naming(version.policy), key=lambda bond: bond.agreement.title)


def _naming(policy: Policy) -> Iterator[Bond]:
    now = clock.now()
    named = Definition.objects.filter(
        Q(policy__unit=None) | Q(policy__unit__in=_units_of(policy)),
        policy__kind=policy.kind,
        policy__key=policy.key,
    )
    rows = AgreementVersion.objects.in_force_at(now).filter(
        signed_on__isnull=False, pk__in=named.values("agreement")
    )
    for row in rows.select_related("policy__unit"):
        if binds_on(now.date(), signed_on=row.signed_on, ends_on=row.ends_on):
            yield Bond(row.policy, _place(row))


def _of_itself(version: AgreementVersion) -> list[Bond]:
    """What is signed for the first time is no change; who signs a change is said by what holds."""
    held = AgreementVersion.objects.filter(policy=version.policy_id).in_force_at(clock.now())
    before = held.filter(signed_on__isnull=False).first()
    if before is not None:
        return [Bond(version.policy, _place(before))]
    if version.signed_on is None:
        return []
    return [Bond(version.policy, _place(version), is_change=False)]


def _units_of(policy: Policy) -> list[int]:
    """The policy's unit and those above it: what they have of that name holds here as well."""
    if policy.unit_id is None:
        return []
    return ancestors(dict(BusinessUnit.objects.values_list("pk", "parent_id")), policy.unit_id)


def _place(row: AgreementVersion) -> models.Model:
    return (service_named(row.service) if row.service else None) or row.policy
