"""What a tree asks of the database is what it says of each record."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.conditions.attributes import Attribute, attributes_of, register
from config.conditions.kinds import Choice, Flag, Number, Operator, Text
from config.conditions.rules import Tree, matches, read
from config.conditions.sql import NotInSql, compiles, filter_of, first_match
from incidents.catalog.models import Service
from tests.config import make as config_make
from tests.incidents import make

SUBJECT = "test-service"
STATUSES = (("planned", "Planned"), ("live", "Live"), ("retired", "Retired"))
register(
    SUBJECT,
    Attribute("tier", "Tier", Number(least=1, most=4), path="tier"),
    Attribute("rto", "RTO", Number("minutes"), path="rto_minutes"),
    Attribute("name", "Name", Text(), path="name"),
    Attribute("status", "Status", Choice(STATUSES), path="status"),
    Attribute("public", "Customer-facing", Flag(), path="is_customer_facing"),
    Attribute("mood", "Mood", Text()),
)
NAMES = ["Öl und Gas", "öl", "ÖL 50%", "a_b", "A\\B", "İstanbul", "straße", "STRASSE", "K", "K"]


def facts_of(service: Service) -> dict[str, Any]:
    return {
        "tier": service.tier,
        "rto": service.rto_minutes,
        "name": service.name,
        "status": service.status,
        "public": service.is_customer_facing,
    }


@st.composite
def conditions(draw: Any) -> dict[str, Any]:
    known = [each for each in attributes_of(SUBJECT).values() if each.path]
    attribute = draw(st.sampled_from(known))
    operator = draw(st.sampled_from(attribute.kind.operators))
    one: Any = {
        "tier": st.integers(1, 4),
        "rto": st.integers(0, 120),
        "name": st.sampled_from([*NAMES, "öl", "%", "_", "\\", "s", "A", "i̇", "e 5"]),
        "status": st.sampled_from(["planned", "live", "retired"]),
        "public": st.booleans(),
    }[attribute.name]
    listed = operator in (Operator.IS_ONE_OF, Operator.IS_NONE_OF)
    value = draw(st.lists(one, min_size=1, max_size=3) if listed else one)
    return {"field": attribute.name, "operator": operator.value, "value": value}


groups = st.fixed_dictionaries(
    {
        "match": st.sampled_from(["all", "any"]),
        "conditions": st.lists(conditions(), min_size=1, max_size=4),
    }
)
trees = st.fixed_dictionaries(
    {"match": st.sampled_from(["all", "any"]), "groups": st.lists(groups, max_size=3)}
).map(lambda data: read(SUBJECT, data))


@pytest.fixture
def services(db: None) -> list[Service]:
    made = []
    team = config_make.team()
    for number in range(40):
        made.append(
            make.service(
                key=f"s{number}",
                name=NAMES[number % len(NAMES)],
                team=team,
                tier=1 + number % 4,
                rto_minutes=None if number % 4 and number % 3 == 0 else number * 3,
                status=STATUSES[number % 3][0],
                is_customer_facing=number % 2 == 0,
            )
        )
    return made


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees)
def test_finds_the_records_that_the_rule_matches(services: list[Service], tree: Tree) -> None:
    by_rule = {each.pk for each in services if matches(tree, facts_of(each))}
    found = Service.objects.filter(filter_of(SUBJECT, tree))
    assert set(found.values_list("pk", flat=True)) == by_rule


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(trees, max_size=5))
def test_takes_the_first_row_that_matches(services: list[Service], rows: list[Tree]) -> None:
    table = [(tree, f"row {number}") for number, tree in enumerate(rows)]
    in_sql = Service.objects.annotate(outcome=first_match(SUBJECT, table, "none"))
    for service, outcome in [(each, vars(each)["outcome"]) for each in in_sql]:
        by_rule = (name for tree, name in table if matches(tree, facts_of(service)))
        assert outcome == next(by_rule, "none")


def test_says_what_only_a_record_can_answer(db: None) -> None:
    mood = {"groups": [{"conditions": [{"field": "mood", "operator": "is_known"}]}]}
    tree = read(SUBJECT, mood)
    assert not compiles(SUBJECT, tree)
    with pytest.raises(NotInSql):
        filter_of(SUBJECT, tree)
