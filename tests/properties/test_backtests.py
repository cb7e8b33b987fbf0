"""What a back-test counts is what the rule decides: random tables on a thousand random records."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.conditions.attributes import Attribute, attributes_of
from config.conditions.kinds import TAKING_LIST, WITHOUT_VALUE, Choice, Flag, Number
from config.conditions.rules import ALWAYS, matches
from config.governance import backtest
from config.governance.models import PolicyVersion
from config.governance.operations import new_draft, save_draft
from config.organisation.models import User
from fixtures.reference import seed_reference
from incidents.catalog import scope
from incidents.catalog.models import Service
from incidents.catalog.rules import BusinessImpact, DataClass, ServiceStatus
from incidents.intake import rules as intake
from incidents.intake.models import (
    IntakeItem,
    OutcomeChoice,
    QualificationDecision,
    QualificationVersion,
)
from incidents.intake.operations import deciding
from incidents.lifecycle.models import Incident
from incidents.scoping.models import ScopeRuleVersion
from incidents.scoping.operations import rows_of
from incidents.taxonomy.impact import MEASURED, Impact
from incidents.taxonomy.models import (
    DataSensitivity,
    Exposure,
    Level,
    Severity,
    SeverityTableVersion,
)
from incidents.taxonomy.operations import matrix_of
from tests.config import make as people
from tests.incidents import make

MANY, TABLES, MOST_ROWS = 1000, 20, 6
NUMBERS = (0, 1, 2, 3, 4, 20, 60, 240, 10_000, 100_000)
MAYBE = (None, True, False)

type Row = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind that is back-tested: its records, a random row, and the rule that decides one."""

    model: type[PolicyVersion]
    subject: str
    fill: Callable[[random.Random], None]
    outcomes: tuple[Row, ...]
    decide: Callable[[Any], Callable[[Any], str]]
    along: tuple[str, ...] = ()


def _tiers() -> list[Service]:
    return [make.service(tier=tier, is_customer_facing=tier < 3) for tier in (1, 2, 3, 4)]


def _fill_incidents(dice: random.Random) -> None:
    services: list[Service | None] = [None, *_tiers()]
    triage = make.triage_team()
    Incident._base_manager.bulk_create(
        _incident(number, dice.choice(services), triage, dice) for number in range(1, MANY + 1)
    )


def _incident(number: int, service: Service | None, triage: Any, dice: random.Random) -> Incident:
    team = triage if service is None else service.team
    return Incident(
        number=number, reference=f"INC-{number:06d}", title="Slow", service=service, team=team,
        unit=team.unit, severity=Severity.SEV4, level=dice.choice(Level.values),
        users_affected=dice.choice([None, *NUMBERS]),
        revenue_per_hour=dice.choice([None, *NUMBERS]),
        exposure=dice.choice(["", *Exposure.values]),
        data_sensitivity=dice.choice(["", *DataSensitivity.values]),
        is_regulatory=dice.choice(MAYBE), was_in_hours=dice.choice(MAYBE),
    )  # fmt: skip


def _severities(version: SeverityTableVersion) -> Callable[[Incident], str]:
    matrix = matrix_of(version)

    def decided(incident: Incident) -> str:
        service = incident.service
        measured = {name: getattr(incident, name) for name in MEASURED}
        found = matrix.decide(
            Impact(
                incident.level,
                None if service is None else service.tier,
                in_hours=incident.was_in_hours,
                is_customer_facing=None if service is None else service.is_customer_facing,
                **measured,
            )
        )
        return found.severity

    return decided


def _fill_services(dice: random.Random) -> None:
    team = people.team()
    Service._base_manager.bulk_create(
        Service(
            key=f"s-{number}", name=f"Service {number}", team=team, tier=dice.randint(1, 4),
            rto_minutes=dice.choice([60, *NUMBERS]), rpo_minutes=dice.choice([None, *NUMBERS]),
            business_impact=dice.choice(["", *BusinessImpact.values]),
            status=dice.choice(ServiceStatus.values),
            data_classes=dice.sample(DataClass.values, dice.randint(0, 2)),
            **{name: dice.random() < 0.5 for name in scope.NAMES if name.startswith("is_")},
        )
        for number in range(MANY)
    )  # fmt: skip


def _scopes(version: ScopeRuleVersion) -> Callable[[Service], str]:
    rows = rows_of(version)

    def decided(service: Service) -> str:
        facts = scope.facts_of(service)
        found = (row.outcome for row in rows if matches(row.tree, facts))
        return next(found, "out of scope")

    return decided


def _fill_reports(dice: random.Random) -> None:
    person, known = people.system(), make.incident()
    flags = [name for name in intake.ANSWERS if name.startswith("is_")]
    items = IntakeItem._base_manager.bulk_create(
        IntakeItem(
            title="Slow", team=known.team, unit=known.unit, reported_by=person,
            duplicate_of=dice.choice([None, known]), table_answer=OutcomeChoice.INCIDENT,
            outcome=OutcomeChoice.INCIDENT, slowdown_percent=dice.choice([None, *NUMBERS]),
            **{name: dice.choice(MAYBE) for name in flags},
        )
        for _ in range(MANY)
    )  # fmt: skip
    # The last decision of each counts.
    for _ in range(2):
        QualificationDecision._base_manager.bulk_create(
            QualificationDecision(
                item=item, tolerance_percent=dice.choice(NUMBERS), by=person,
                table_answer=OutcomeChoice.INCIDENT, outcome=OutcomeChoice.INCIDENT,
            )
            for item in items
        )  # fmt: skip


def _qualified(version: QualificationVersion) -> Callable[[IntakeItem], str]:
    rows = deciding.rows_of(version)
    decisions = QualificationDecision.objects.order_by("pk")
    tolerances = dict(decisions.values_list("item", "tolerance_percent"))

    def decided(item: IntakeItem) -> str:
        facts = intake.facts_of(
            {name: getattr(item, name) for name in intake.ANSWERS},
            tolerance=tolerances[item.pk],
            has_duplicate=item.duplicate_of_id is not None,
        )
        found = (outcome for _, outcome, tree in rows if matches(tree, facts))
        return OutcomeChoice(next(found, version.otherwise)).label

    return decided


SCOPES = [(True, True), (True, False), (False, False)]
KINDS = (
    Kind(
        SeverityTableVersion, "impact", _fill_incidents,
        tuple({"severity": each} for each in Severity.values), _severities, ("service",),
    ),
    Kind(
        ScopeRuleVersion, "service", _fill_services,
        tuple({"in_scope": one, "sla_reportable": other} for one, other in SCOPES), _scopes,
    ),
    Kind(
        QualificationVersion, "report", _fill_reports,
        tuple({"outcome": each} for each in OutcomeChoice.values), _qualified,
    ),
)  # fmt: skip


def test_covers_every_kind_that_is_back_tested() -> None:
    assert {kind.model.policy_kind for kind in KINDS} == set(backtest._replays)


@pytest.fixture
def author(db: None) -> User:
    seed_reference()
    return people.superuser("root")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.model.policy_kind)
@settings(
    max_examples=TABLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_decides_a_thousand_records_as_the_rule_does(
    author: User, kind: Kind, data: st.DataObject, seed: int
) -> None:
    replay = backtest._replays[kind.model.policy_kind]
    version = _draft(kind, author)
    if not replay.records(version).exists():
        kind.fill(random.Random(seed))  # records, no secrets
    rows = data.draw(st.lists(_rows(kind), max_size=MOST_ROWS))
    numbered = [{**row, "position": number} for number, row in enumerate(rows)]
    save_draft(version, actor=author, parts={"rules": numbered})

    decide = kind.decide(version)
    judged = replay.records(version).annotate(judged=replay.outcome(version))
    found = [*judged.prefetch_related(*kind.along)]
    differing = [each.pk for each in found if decide(each) != each.judged]

    assert len(found) >= MANY
    assert differing == []


def _draft(kind: Kind, author: User) -> Any:
    """The one draft of the kind."""
    rows = kind.model.objects.order_by("-number")
    newest = rows[0]
    return newest if newest.state == "draft" else new_draft(newest.policy, actor=author)


def _rows(kind: Kind) -> st.SearchStrategy[Row]:
    group = st.fixed_dictionaries(
        {
            "match": st.sampled_from(["all", "any"]),
            "conditions": st.lists(_conditions(kind.subject), min_size=1, max_size=4),
        }
    )
    tree = st.fixed_dictionaries(
        {
            "match": st.sampled_from(["all", "any"]),
            "groups": st.lists(group, min_size=1, max_size=3),
        }
    )
    # Now and then a row that always matches.
    trees = st.one_of(tree, tree, tree, st.just(dict(ALWAYS)))
    return st.builds(
        lambda outcome, conditions: {**outcome, "conditions": conditions},
        st.sampled_from(kind.outcomes),
        trees,
    )


@st.composite
def _conditions(draw: Any, subject: str) -> dict[str, Any]:
    attribute = draw(st.sampled_from(list(attributes_of(subject).values())))
    operator = draw(st.sampled_from(attribute.kind.operators))
    one = _values(attribute)
    if operator in TAKING_LIST:
        value = draw(st.lists(one, min_size=1, max_size=3))
    else:
        value = None if operator in WITHOUT_VALUE else draw(one)
    return {"field": attribute.name, "operator": operator.value, "value": value}


def _values(attribute: Attribute) -> st.SearchStrategy[Any]:
    kind = attribute.kind
    if isinstance(kind, Flag):
        return st.booleans()
    if isinstance(kind, Number):
        return st.sampled_from([each for each in NUMBERS if kind.least <= each <= kind.most])
    assert isinstance(kind, Choice)
    return st.sampled_from(list(kind.choices()))
