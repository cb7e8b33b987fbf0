"""Dependencies: declared, verified, removed, listed, and flagged when they get stale."""

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction

from config import clock
from config.audit.tracking import lock
from config.events.operations import record
from config.governance.in_force import setting
from config.organisation.models import BusinessUnit, User
from incidents.catalog.models import Service
from incidents.components.models import Component, Dependency, Item
from incidents.components.rules import VERIFY_DAYS, Strength

COLUMNS = (
    *("dependant", "dependant_kind", "dependant_team", "dependency", "dependency_kind"),
    *("strength", "responsible_team", "domain", "last_verified", "stale"),
)


@transaction.atomic
def add_dependency(
    source: Item,
    target: Item,
    *,
    actor: User,
    strength: str = Strength.HARD,
    note: str = "",
    reason: str = "",
) -> Dependency:
    """Say that the source needs the target; that counts as verified now.

    Raises `ValidationError` where it is known already, or where both are the same.
    """
    lock(source)
    made = Dependency(
        **_named("source", source), **_named("target", target), strength=strength, note=note
    )
    made.full_clean()
    made.save_as(actor, reason=reason)
    record("dependency.added", made, actor=actor, reason=reason, **_said(made))
    return made


@transaction.atomic
def edit_dependency(
    row: Dependency, *, actor: User, changes: Mapping[str, Any], reason: str = ""
) -> Dependency:
    """Another strength or note; who changes it has looked, so it counts as verified."""
    lock(row)
    diffs = {name: changes[name] for name in ("strength", "note") if name in changes}
    diffs = {name: value for name, value in diffs.items() if getattr(row, name) != value}
    if not diffs:
        return row
    for name, value in diffs.items():
        setattr(row, name, value)
    row.full_clean()
    row.verified_at, row.stale_since = clock.now(), None
    row.save_as(actor, *diffs, "verified_at", "stale_since", reason=reason)
    record("dependency.edited", row, actor=actor, reason=reason, changes=diffs, **_said(row))
    return row


@transaction.atomic
def verify_dependency(row: Dependency, *, actor: User, reason: str = "") -> Dependency:
    """Somebody has looked: it is as it says."""
    lock(row)
    row.verified_at, row.stale_since = clock.now(), None
    row.save_as(actor, "verified_at", "stale_since", reason=reason)
    record("dependency.verified", row, actor=actor, reason=reason, **_said(row))
    return row


@transaction.atomic
def remove_dependency(row: Dependency, *, actor: User, reason: str = "") -> None:
    """It isn't so any more."""
    lock(row)
    record("dependency.removed", row, actor=actor, reason=reason, **_said(row))
    row.delete_as(actor, reason=reason)


def is_stale(row: Dependency, at: datetime.datetime, days: dict[int, int] | None = None) -> bool:
    """Whether nobody has verified it for longer than the policy of the dependant's unit allows."""
    return row.verified_at < at - datetime.timedelta(days=_days(row, {} if days is None else days))


def flag_stale(as_of: datetime.datetime) -> int:
    """Flag what has become stale, each by itself; returns how many it were. Idempotent."""
    days: dict[int, int] = {}
    rows = Dependency.objects.with_ends().filter(stale_since__isnull=True).order_by("pk")
    found = [row for row in rows.iterator() if is_stale(row, as_of, days)]
    system = User.objects.system()
    return sum(_flag(row, system, as_of, days) for row in found)


@transaction.atomic
def _flag(row: Dependency, actor: User, as_of: datetime.datetime, days: dict[int, int]) -> bool:
    lock(row)
    if row.stale_since is not None or not is_stale(row, as_of, days):
        return False
    row.stale_since = row.verified_at + datetime.timedelta(days=_days(row, days))
    row.save_as(actor, "stale_since", reason="Nobody has verified it")
    record("dependency.stale", row, actor=actor, **_said(row))
    return True


def matrix(rows: Any, at: datetime.datetime) -> Iterator[dict[str, Any]]:
    """What depends on what, who is responsible, and what is stale: a row for each dependency."""
    days: dict[int, int] = {}
    for row in rows.with_ends().order_by("pk"):
        yield {
            "dependant": row.source.key,
            "dependant_kind": kind_of(row.source),
            "dependant_team": row.source.team.key,
            "dependency": row.target.key,
            "dependency_kind": kind_of(row.target),
            "strength": row.strength,
            "responsible_team": row.target.team.key,
            "domain": getattr(row.target, "domain", ""),
            "last_verified": row.verified_at,
            "stale": is_stale(row, at, days),
        }


def kind_of(item: Item) -> str:
    """`service`, or the kind of the component."""
    return item.kind if isinstance(item, Component) else "service"


def _days(row: Dependency, kept: dict[int, int]) -> int:
    unit: BusinessUnit = row.source.team.unit
    if unit.pk not in kept:
        kept[unit.pk] = setting(VERIFY_DAYS.key, unit=unit)
    return kept[unit.pk]


def _named(end: str, item: Item) -> dict[str, Item]:
    return {f"{end}_{'service' if isinstance(item, Service) else 'component'}": item}


def _said(row: Dependency) -> dict[str, Any]:
    return {
        "source": row.source.key,
        "target": row.target.key,
        "strength": str(row.strength),
    }
