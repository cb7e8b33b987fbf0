"""Severity by the governed table, and the table's first version."""

import datetime

from config.governance.in_force import active
from config.governance.seeding import seed_policy
from config.organisation.models import BusinessUnit, User
from incidents.taxonomy import rules
from incidents.taxonomy.models import Severity, SeverityTableVersion

TABLE_KEY = "default"
TABLE_TITLE = "Severity table"


def severity_for(
    level: str,
    tier: int | None,
    unit: BusinessUnit | None = None,
    at: datetime.datetime | None = None,
) -> tuple[Severity, SeverityTableVersion | None]:
    """The severity of a level on a tier, and the version of the table that says so.

    `tier` is None without a service. Before any version is in force the shipped table decides.
    """
    counted = rules.TIER_WITHOUT_SERVICE if tier is None else tier
    version: SeverityTableVersion | None = active(
        SeverityTableVersion.policy_kind, TABLE_KEY, unit, at
    )
    if version is None:
        return Severity(rules.SHIPPED[level, counted]), None
    cell = version.cells.get(level=level, tier=counted)
    return Severity(cell.severity), version


def cells_of(version: SeverityTableVersion) -> dict[tuple[str, int], str]:
    """The table as the rules want it."""
    rows = version.cells.values_list("level", "tier", "severity")
    return {(level, tier): severity for level, tier, severity in rows}


def seed_severity_table(actor: User) -> SeverityTableVersion | None:
    """Version 1 of the table as shipped; later runs propose what is new in it."""
    return seed_policy(
        SeverityTableVersion,
        TABLE_KEY,
        title=TABLE_TITLE,
        actor=actor,
        parts={"cells": rules.shipped_cells()},
    )
