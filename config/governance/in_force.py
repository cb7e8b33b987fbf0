"""What holds: the version in force for a unit at a time, and the value of a setting.

Read for every decision, never kept: whoever decides by a policy stores the version it got.
"""

import datetime
from collections.abc import Iterable
from functools import cache
from typing import Any

from django.db.models import Q
from django.db.models.expressions import RawSQL

from config import clock
from config.governance import registry
from config.governance.models import (
    Freedom,
    Policy,
    PolicyVersion,
    SettingVersion,
)
from config.organisation.models import BusinessUnit
from config.organisation.rules import ancestors

# The unit and those above it; UNION ends on a circle.
ABOVE = """
    WITH RECURSIVE above (id, parent_id) AS (
        SELECT id, parent_id FROM config_businessunit WHERE id = %s
        UNION
        SELECT unit.id, unit.parent_id FROM config_businessunit unit
            JOIN above ON unit.id = above.parent_id
    )
    SELECT id FROM above
"""


class UnknownKind(LookupError):
    """No version model is of that kind."""


@cache
def version_model(kind: str) -> type[PolicyVersion]:
    """The model whose rows are versions of policies of that kind."""
    for model in PolicyVersion.__subclasses__():
        if model.policy_kind == kind:
            return model
    raise UnknownKind(kind)


def active(
    kind: str,
    key: str,
    unit: BusinessUnit | None = None,
    at: datetime.datetime | None = None,
) -> Any:
    """The version of the policy in force for the unit at that time, or None.

    The nearest wins: the unit's own, its parents', then the enterprise's; a locked enterprise
    policy holds everywhere. One query, and one more where several of the unit's chain have
    versions of their own.
    """
    candidates = _candidates(kind, [key], unit, at)
    return nearest_of(candidates, _chain(unit, candidates))


def nearest_of(
    candidates: Iterable[PolicyVersion], chain: Iterable[int | None]
) -> PolicyVersion | None:
    """Of the versions of one key, the one of the first unit of the chain that has one."""
    by_unit = {version.policy.unit_id: version for version in candidates}
    enterprise = by_unit.get(None)
    if enterprise is not None and enterprise.policy.freedom == Freedom.LOCKED:
        return enterprise
    return next((by_unit[pk] for pk in chain if pk in by_unit), None)


def _chain(unit: BusinessUnit | None, candidates: Iterable[PolicyVersion]) -> list[int | None]:
    """Of the unit and those above it those that have a version, nearest first; then the enterprise.

    The tree is read only where several of them have.
    """
    units = {each.policy.unit_id for each in candidates if each.policy.unit_id is not None}
    if unit is None or len(units) < 2:  # nothing to order
        return [*units, None]
    parents = dict(BusinessUnit.objects.values_list("pk", "parent_id"))
    return [*ancestors(parents, unit.pk), None]


def _candidates(
    kind: str, keys: Iterable[str], unit: BusinessUnit | None, at: datetime.datetime | None
) -> list[Any]:
    """The versions of these policies in force then, of the enterprise and of the unit's chain.

    What other units have isn't read, however many they are.
    """
    rows = version_model(kind).objects.filter(policy__kind=kind, policy__key__in=list(keys))
    return _held(rows.filter(_reaching(unit)), at)


def _held(rows: Any, at: datetime.datetime | None, *related: str) -> list[Any]:
    """Those in force then, with their policies; `at` a past time, with what was left to units then.

    That is read only where a unit's version stands beside the enterprise's: else nothing depends
    on it.
    """
    found = rows.in_force_at(at or clock.now()).select_related("policy", *related)
    candidates: list[PolicyVersion] = list(found)
    above = {each.policy_id: each.policy for each in candidates if each.policy.unit_id is None}
    if at is None or len(above) in (0, len(candidates)):
        return candidates
    rows = Policy.history.filter(id__in=above, history_date__lte=at)
    newest_first = rows.order_by("id", "-history_date", "-history_id").distinct("id")
    for pk, freedom in newest_first.values_list("id", "freedom"):
        above[pk].freedom = freedom
    return candidates


def _reaching(unit: BusinessUnit | None) -> Q:
    """Of policies that hold for the unit as far as the place goes."""
    enterprise = Q(policy__unit__isnull=True)
    if unit is None:
        return enterprise
    above = RawSQL(ABOVE, (unit.pk,))  # noqa: S611  # nosec B611  (a constant, with a parameter)
    return enterprise | Q(policy__unit__in=above)


def active_by_unit(kind: str, key: str, at: datetime.datetime | None = None) -> dict[int, Any]:
    """For each unit the version that `active` would give, in two queries; units without are out."""
    rows = version_model(kind).objects.filter(policy__kind=kind, policy__key=key)
    candidates = _held(rows, at)
    if not candidates:
        return {}
    parents = dict(BusinessUnit.objects.values_list("pk", "parent_id"))
    found = {pk: nearest_of(candidates, [*ancestors(parents, pk), None]) for pk in parents}
    return {pk: version for pk, version in found.items() if version is not None}


def in_force_along(
    kind: str,
    key: str,
    unit: BusinessUnit | None = None,
    at: datetime.datetime | None = None,
) -> list[Any]:
    """Every version of the policy that reaches the unit, the enterprise's first, its own last.

    For kinds whose units add to what those above them say; a locked enterprise policy is alone.
    """
    candidates = _candidates(kind, [key], unit, at)
    return _along(candidates, _chain(unit, candidates))


def _along(candidates: Iterable[PolicyVersion], chain: Iterable[int | None]) -> list[PolicyVersion]:
    """Of the versions of one key, those of the chain, from the enterprise's to the unit's own."""
    by_unit = {version.policy.unit_id: version for version in candidates}
    enterprise = by_unit.get(None)
    if enterprise is not None and enterprise.policy.freedom == Freedom.LOCKED:
        return [enterprise]
    return [by_unit[pk] for pk in reversed([*chain]) if pk in by_unit]


def active_among(
    kind: str,
    keys: Iterable[str],
    unit: BusinessUnit | None = None,
    at: datetime.datetime | None = None,
) -> dict[str, Any]:
    """For each of the keys the version that `active` would give, in the queries of one."""
    candidates = _candidates(kind, keys, unit, at)
    chain = _chain(unit, candidates)
    found = {key: nearest_of(held, chain) for (_, key), held in _by_policy(candidates).items()}
    return {key: version for key, version in found.items() if version is not None}


def setting_version(
    key: str, unit: BusinessUnit | None = None, at: datetime.datetime | None = None
) -> SettingVersion | None:
    """The version of the setting in force, to be kept by what decides by it; None: the default."""
    registry.registered(key)
    version: SettingVersion | None = active(SettingVersion.policy_kind, key, unit, at)
    return version


def settings_in_force(
    unit: BusinessUnit | None = None, at: datetime.datetime | None = None
) -> dict[str, SettingVersion]:
    """All settings that have a version in force, by key, in the queries of one."""
    rows = SettingVersion.objects.filter(_reaching(unit))
    candidates = _held(rows, at, "policy__unit", "author")
    chain = _chain(unit, candidates)
    found = {key: nearest_of(held, chain) for (_, key), held in _by_policy(candidates).items()}
    return {key: each for key, each in found.items() if isinstance(each, SettingVersion)}


def all_in_force(
    unit: BusinessUnit | None = None, at: datetime.datetime | None = None
) -> list[PolicyVersion]:
    """Of every policy what `active` would give, or `in_force_along` where units add to it.

    By kind and key, in the queries of one; the base rows: `content.concrete` gives the rest.
    """
    candidates = _held(PolicyVersion.objects.filter(_reaching(unit)), at, "policy__unit", "author")
    chain, found = _chain(unit, candidates), _by_policy(candidates)
    return [version for name in sorted(found) for version in _holding(name[0], found[name], chain)]


def _holding(
    kind: str, candidates: list[PolicyVersion], chain: list[int | None]
) -> list[PolicyVersion]:
    if version_model(kind).adds_up:
        return _along(candidates, chain)
    nearest = nearest_of(candidates, chain)
    return [] if nearest is None else [nearest]


def _by_policy(
    candidates: Iterable[PolicyVersion],
) -> dict[tuple[str, str], list[PolicyVersion]]:
    found: dict[tuple[str, str], list[PolicyVersion]] = {}
    for version in candidates:
        found.setdefault((version.policy.kind, version.policy.key), []).append(version)
    return found


def setting(key: str, unit: BusinessUnit | None = None, at: datetime.datetime | None = None) -> Any:
    """The value in force; the shipped default where no version is."""
    version = setting_version(key, unit, at)
    return registry.registered(key).default if version is None else version.value


def policy_of(kind: str, key: str, unit: BusinessUnit | None = None) -> Policy | None:
    """The policy of exactly that unit."""
    return Policy.objects.filter(kind=kind, key=key, unit=unit).first()
