"""What the table in force makes of answers, and why."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from django.db.models import Expression, Value

from config.conditions.rules import Finding, Tree, decide, read
from config.conditions.sql import first_match
from config.governance.in_force import active, setting
from config.governance.seeding import seed_policy
from config.organisation.models import BusinessUnit, User
from incidents.intake import rules
from incidents.intake.facts import SUBJECT
from incidents.intake.models import OutcomeChoice, QualificationVersion
from incidents.intake.rules import Outcome

TABLE_KEY = "default"
TABLE_TITLE = "Qualification of reports"
TOLERANCE = "intake.baseline_tolerance_percent"


@dataclass(frozen=True)
class Qualified:
    """What a report is, the version that said so, and why."""

    outcome: str
    version: QualificationVersion | None
    tolerance: int
    line: str = ""
    findings: tuple[Finding, ...] = ()

    def explained(self) -> list[dict[str, Any]]:
        """The findings as they are stored."""
        return [asdict(each) for each in self.findings]


type Row = tuple[str, str, Tree]


def judge(answers: Mapping[str, Any], unit: BusinessUnit, *, has_duplicate: bool) -> Qualified:
    """By the version in force for the unit; before any is, everything counts as an incident."""
    tolerance = int(setting(TOLERANCE, unit=unit))
    version: QualificationVersion | None = active(QualificationVersion.policy_kind, TABLE_KEY, unit)
    if version is None:
        return Qualified(Outcome.INCIDENT, None, tolerance)
    facts = rules.facts_of(answers, tolerance=tolerance, has_duplicate=has_duplicate)
    for line, outcome, tree in rows_of(version):
        verdict = decide(SUBJECT, tree, facts)
        if verdict.matched:
            return Qualified(outcome, version, tolerance, line, verdict.findings)
    return Qualified(version.otherwise, version, tolerance)


def rows_of(version: QualificationVersion) -> tuple[Row, ...]:
    """A version's rows in their order. What was frozen is read once in each process."""
    return _frozen(version.pk, version.content_hash) if version.content_hash else _read(version)


def in_sql(version: QualificationVersion) -> Expression | Value:
    """The outcome as an expression over reports, in words."""
    rows = [(tree, OutcomeChoice(outcome).label) for _, outcome, tree in rows_of(version)]
    return first_match(SUBJECT, rows, default=OutcomeChoice(version.otherwise).label)


@lru_cache(maxsize=128)
def _frozen(pk: int, content_hash: str) -> tuple[Row, ...]:
    # The hash is part of the key: it names the content, whatever database the process sees.
    return _read(QualificationVersion.objects.get(pk=pk))


def _read(version: QualificationVersion) -> tuple[Row, ...]:
    found = version.rules.order_by("position")
    return tuple((row.line, row.outcome, read(SUBJECT, row.conditions)) for row in found)


def seed_qualification(actor: User) -> QualificationVersion | None:
    """Version 1 of the table as shipped; later runs propose what is new in it."""
    return seed_policy(
        QualificationVersion,
        TABLE_KEY,
        title=TABLE_TITLE,
        actor=actor,
        values={"otherwise": str(Outcome.INCIDENT)},
        parts={"rules": rules.shipped_rules()},
    )
