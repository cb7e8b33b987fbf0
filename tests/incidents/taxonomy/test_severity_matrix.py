"""Severity by measured impact: the order of rules, what is unknown, and the same in SQL."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incidents.lifecycle.models import Incident
from incidents.taxonomy.impact import Impact
from incidents.taxonomy.models import DataSensitivity, Exposure, Level
from incidents.taxonomy.operations import classify, matrix_of, seed_severity_table
from tests.config import make as config_make
from tests.harness.kept import kept
from tests.incidents import make

pytestmark = pytest.mark.django_db


@kept
def matrix():
    return seed_severity_table(config_make.system())


@pytest.mark.parametrize(
    ("measured", "severity", "line"),
    [
        ({}, "SEV4", "info-2"),
        ({"users_affected": 9_999, "in_hours": True}, "SEV2", "wide-degradation"),
        ({"users_affected": 10_000, "in_hours": True}, "SEV1", "mass-outage"),
        ({"users_affected": 10_000}, "SEV1", "mass-outage"),
        ({"users_affected": 10_000, "in_hours": False}, "SEV2", "mass-outage-out-of-hours"),
        ({"users_affected": 1_000, "in_hours": False}, "SEV4", "info-2"),
        ({"revenue_per_hour": 100_000}, "SEV1", "mass-outage"),
        ({"is_regulatory": True}, "SEV2", "regulatory"),
        ({"is_regulatory": False}, "SEV4", "info-2"),
        ({"data_sensitivity": "personal"}, "SEV4", "info-2"),
        (
            {"data_sensitivity": "special", "exposure": "public", "in_hours": False},
            "SEV1",
            "data-exposed",
        ),
    ],
)
def test_goes_by_the_first_rule_that_matches(matrix, measured: Any, severity: str, line: str):
    found = classify(Impact(Level.INFO, 2, **measured))

    assert (found.severity, found.version, found.line) == (severity, matrix, line)


def test_says_which_condition_matched_on_which_value(matrix):
    found = classify(Impact(Level.INFO, 4, users_affected=12_000, in_hours=True))

    said = [(each.text, each.actual, each.held) for each in found.findings]
    assert said == [
        ("Users affected is at least 10,000", "12,000", True),
        ("Revenue lost per hour is at least 100,000", "not known", False),
        ("In operating hours is yes", "yes", True),
        ("In operating hours is not known", "yes", False),
    ]


def test_reads_a_version_once(matrix, django_assert_num_queries):
    impact = Impact(Level.ERROR, 1, users_affected=5)
    classify(impact)

    with django_assert_num_queries(1):
        classify(impact)


impacts = st.fixed_dictionaries(
    {
        "level": st.sampled_from(Level.values),
        "tier": st.sampled_from([None, 1, 2, 3, 4]),
        "users_affected": st.sampled_from([None, 0, 999, 1_000, 9_999, 10_000, 10**9]),
        "revenue_per_hour": st.sampled_from([None, 0, 9_999, 10_000, 99_999, 100_000]),
        "exposure": st.sampled_from(["", *Exposure.values]),
        "data_sensitivity": st.sampled_from(["", *DataSensitivity.values]),
        "is_regulatory": st.sampled_from([None, True, False]),
        "in_hours": st.sampled_from([None, True, False]),
    }
)


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(inputs=st.lists(impacts, min_size=20, max_size=20))
def test_decides_the_same_in_sql(matrix, inputs: list[dict[str, Any]]):
    rows = _rows_of(inputs)
    ready = matrix_of(matrix)

    in_sql = dict(
        Incident.objects.filter(pk__in=rows)
        .annotate(judged=ready.in_sql())
        .values_list("pk", "judged")
    )

    assert in_sql == {pk: ready.decide(Impact(**said)).severity for pk, said in rows.items()}


def _rows_of(inputs: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Incidents with these inputs; rows are reused, as only what they say matters here."""
    services: dict[Any, Any] = {None: None}
    rows = {}
    for said in inputs:
        tier = said["tier"]
        if tier not in services:
            services[tier] = make.service(tier=tier)
        found = make.incident(service=services[tier], level=said["level"])
        for name, value in said.items():
            if name not in ("tier", "level"):
                setattr(found, "was_in_hours" if name == "in_hours" else name, value)
        found.save_as(config_make.system(), reason="as measured")
        rows[found.pk] = said
    return rows
