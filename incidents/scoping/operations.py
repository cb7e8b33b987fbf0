"""Deciding by the scope rule in force, and the rule's first version."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db.models import Expression, Value

from config.conditions.rules import Finding, Tree, decide, read
from config.conditions.sql import first_match
from config.governance.in_force import active
from config.governance.seeding import seed_policy
from config.organisation.models import BusinessUnit, User
from incidents.scoping.models import ScopeRuleVersion
from incidents.scoping.rules import SUBJECT, shipped_rules

RULE_KEY = "default"
RULE_TITLE = "Scope rule"


@dataclass(frozen=True)
class Row:
    """One rule, ready to be asked."""

    line: str
    tree: Tree
    in_scope: bool
    sla_reportable: bool

    @property
    def outcome(self) -> str:
        """In words, for back-tests."""
        return OUTCOMES[self.in_scope, self.sla_reportable]


@dataclass(frozen=True)
class Judged:
    """What the rule says of a service, which version said it, and why."""

    in_scope: bool
    sla_reportable: bool
    version: ScopeRuleVersion | None
    line: str = ""
    findings: tuple[Finding, ...] = ()


OUTCOMES: Mapping[tuple[bool, bool], str] = {
    (True, True): "in scope, SLA-reportable",
    (True, False): "in scope",
    (False, False): "out of scope",
}


def judge(
    facts: Mapping[str, Any],
    unit: BusinessUnit | None = None,
    at: datetime.datetime | None = None,
) -> Judged:
    """What the version in force for the unit says; before any is in force, the shipped rule."""
    version: ScopeRuleVersion | None = active(ScopeRuleVersion.policy_kind, RULE_KEY, unit, at)
    for row in _shipped() if version is None else rows_of(version):
        verdict = decide(SUBJECT, row.tree, facts)
        if verdict.matched:
            return Judged(row.in_scope, row.sla_reportable, version, row.line, verdict.findings)
    return Judged(in_scope=False, sla_reportable=False, version=version)


def rows_of(version: ScopeRuleVersion) -> tuple[Row, ...]:
    """A version's rules in their order. What was frozen is read once in each process."""
    return _frozen(version.pk, version.content_hash) if version.content_hash else _read(version)


def in_sql(version: ScopeRuleVersion) -> Expression | Value:
    """The outcome as an expression over services."""
    rows = [(row.tree, row.outcome) for row in rows_of(version)]
    return first_match(SUBJECT, rows, default=OUTCOMES[False, False])


@lru_cache(maxsize=128)
def _frozen(pk: int, content_hash: str) -> tuple[Row, ...]:
    # The hash is part of the key: it names the content, whatever database the process sees.
    return _read(ScopeRuleVersion.objects.get(pk=pk))


def _read(version: ScopeRuleVersion) -> tuple[Row, ...]:
    found = version.rules.order_by("position")
    return tuple(
        Row(each.line, read(SUBJECT, each.conditions), each.in_scope, each.sla_reportable)
        for each in found
    )


@lru_cache(maxsize=1)
def _shipped() -> tuple[Row, ...]:
    return tuple(
        Row(row["line"], read(SUBJECT, row["conditions"]), row["in_scope"], row["sla_reportable"])
        for row in shipped_rules()
    )


def seed_scope_rule(actor: User) -> ScopeRuleVersion | None:
    """Version 1 of the rule as shipped; later runs propose what is new in it."""
    parts = {"rules": shipped_rules()}
    return seed_policy(ScopeRuleVersion, RULE_KEY, title=RULE_TITLE, actor=actor, parts=parts)
