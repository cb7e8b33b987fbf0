"""Severity by the governed matrix, and the matrix's first version."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, NamedTuple

from django.db.models import Expression, Value

from config.conditions.rules import Finding, Tree, decide, read
from config.conditions.sql import first_match
from config.governance.in_force import active
from config.governance.seeding import seed_policy
from config.organisation.models import BusinessUnit, User
from incidents.taxonomy import rules
from incidents.taxonomy.impact import SUBJECT, Impact, cells_in_sql
from incidents.taxonomy.models import Severity, SeverityTableVersion

TABLE_KEY = "default"
TABLE_TITLE = "Severity matrix"


@dataclass(frozen=True)
class Row:
    """One rule of the matrix, ready to be asked."""

    line: str
    position: int
    severity: str
    tree: Tree


@dataclass(frozen=True)
class Effects:
    """What a severity sets off."""

    roles: tuple[str, ...] = ()
    has_war_room: bool = False
    communication_plan: str = ""
    escalation_policy: str = ""
    sla_target_minutes: int | None = None
    penalty_clause: str = ""


EFFECTS = tuple(each.name for each in fields(Effects))


class Decided(NamedTuple):
    """A severity and the line that decided, with its findings."""

    severity: str
    line: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Matrix:
    """A version's content, ready to decide: the first rule that matches, else the cell."""

    rows: tuple[Row, ...]
    cells: Mapping[tuple[str, int], str]
    effects: Mapping[str, Effects]

    def effects_of(self, severity: str) -> Effects:
        """What the severity sets off; nothing where the version has no row for it."""
        return self.effects.get(severity, Effects())

    def decide(self, impact: Impact) -> Decided:
        """The severity, and why."""
        facts = impact.facts()
        for row in self.rows:
            verdict = decide(SUBJECT, row.tree, facts)
            if verdict.matched:
                return Decided(row.severity, row.line, verdict.findings)
        where = (impact.level, impact.counted_tier)
        return Decided(self.cells[where], rules.line_of(*where))

    def in_sql(self) -> Expression | Value:
        """The same as an expression over incidents."""
        rows = [(row.tree, row.severity) for row in self.rows]
        return first_match(SUBJECT, rows, default=cells_in_sql(self.cells))


@dataclass(frozen=True)
class Classified:
    """A severity, the version that said so, and why: the line that decided, with its findings."""

    severity: Severity
    version: SeverityTableVersion | None
    line: str
    effects: Effects
    findings: tuple[Finding, ...] = ()


def classify(
    impact: Impact, unit: BusinessUnit | None = None, at: datetime.datetime | None = None
) -> Classified:
    """The severity of an impact by the version in force for the unit at that time.

    Before any version is in force the shipped table decides.
    """
    version, matrix = _in_force(unit, at)
    found = matrix.decide(impact)
    effects = matrix.effects_of(found.severity)
    return Classified(Severity(found.severity), version, found.line, effects, found.findings)


def set_off_by(
    severity: str, unit: BusinessUnit | None = None, at: datetime.datetime | None = None
) -> tuple[SeverityTableVersion | None, Effects]:
    """What a severity sets off by the version in force: for one that a person decided."""
    version, matrix = _in_force(unit, at)
    return version, matrix.effects_of(severity)


def _in_force(
    unit: BusinessUnit | None, at: datetime.datetime | None
) -> tuple[SeverityTableVersion | None, Matrix]:
    version: SeverityTableVersion | None = active(
        SeverityTableVersion.policy_kind, TABLE_KEY, unit, at
    )
    return version, _SHIPPED if version is None else matrix_of(version)


def matrix_of(version: SeverityTableVersion) -> Matrix:
    """A version's content. What was frozen is read once in each process."""
    if version.content_hash:
        return _frozen(version.pk, version.content_hash)
    return _read(version)


@lru_cache(maxsize=128)
def _frozen(pk: int, content_hash: str) -> Matrix:
    # The hash is part of the key: it names the content, whatever database the process sees.
    return _read(SeverityTableVersion.objects.get(pk=pk))


def _read(version: SeverityTableVersion) -> Matrix:
    found = version.rules.order_by("position")
    rows = [
        Row(each.line, each.position, each.severity, read(SUBJECT, each.conditions))
        for each in found
    ]
    effects = {
        row.severity: _effects({name: getattr(row, name) for name in EFFECTS})
        for row in version.engagements.all()
    }
    return Matrix(tuple(rows), cells_of(version), effects)


def _effects(said: Mapping[str, Any]) -> Effects:
    values = {name: said[name] for name in EFFECTS if name in said}
    return Effects(**{**values, "roles": tuple(values.get("roles", ()))})


_SHIPPED = Matrix(
    (), rules.SHIPPED, {row["severity"]: _effects(row) for row in rules.shipped_engagements()}
)


def cells_of(version: SeverityTableVersion) -> dict[tuple[str, int], str]:
    """The table of levels and tiers as the rules want it."""
    rows = version.cells.values_list("level", "tier", "severity")
    return {(level, tier): severity for level, tier, severity in rows}


def seed_severity_table(actor: User) -> SeverityTableVersion | None:
    """Version 1 of the matrix as shipped; later runs propose what is new in it."""
    parts = {
        "cells": rules.shipped_cells(),
        "rules": rules.shipped_impact_rules(),
        "engagements": rules.shipped_engagements(),
    }
    return seed_policy(SeverityTableVersion, TABLE_KEY, title=TABLE_TITLE, actor=actor, parts=parts)
