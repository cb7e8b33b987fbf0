"""The impact that alerts bring along in their labels."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.alerts.impact import impact_of, worse_parts
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.taxonomy.operations import seed_severity_table
from tests.config import make as people
from tests.incidents.alerts import make


@pytest.fixture
def matrix(db: None) -> None:
    seed_severity_table(people.system())


@pytest.mark.usefixtures("matrix")
def test_computes_the_severity_of_what_the_labels_state(checkout: Service) -> None:
    labels = {"users_affected": "12000", "exposure": "Customer", "is_regulatory": "no"}

    make.received(make.source(), make.firing(service="checkout", labels=labels))

    incident = make.only_incident()
    assert (incident.severity, incident.severity_line) == ("SEV1", "mass-outage")
    assert (incident.users_affected, incident.exposure) == (12_000, "customer")
    assert incident.is_regulatory is False


@pytest.mark.usefixtures("matrix")
def test_only_ever_makes_the_impact_of_an_open_incident_worse(checkout: Service) -> None:
    source = make.source()

    def fires(users: int) -> Incident:
        labels = {"users_affected": users}
        make.received(source, make.firing(service="checkout", labels=labels))
        return make.only_incident()

    assert fires(2_000).severity == "SEV2"
    assert fires(20_000).severity == "SEV1"
    again = fires(50)

    assert (again.users_affected, again.severity) == (20_000, "SEV1")
    change = again.severity_changes.get()
    assert (change.requested_by, change.reason_code) == (source.account, "computed")


def test_loses_no_alert_over_what_it_can_not_read(checkout: Service) -> None:
    labels = {"users_affected": "many", "exposure": "galaxy", "is_regulatory": "perhaps"}

    row = make.received(make.source(), make.firing(service="checkout", labels=labels))

    assert make.effects(row) == ["opened"]
    assert make.only_incident().users_affected is None


@pytest.mark.parametrize(
    ("stated", "read"),
    [
        ("1.2e+04", 12_000),
        (7.9, 7),
        (0, 0),
        (-1, None),
        (10**11, None),
        (True, None),
        ("NaN", None),
        ("inf", None),
        (None, None),
        ([5], None),
    ],
)
def test_reads_counts_as_tools_write_them(stated: Any, read: int | None) -> None:
    assert impact_of({"users_affected": stated}).get("users_affected") == read


def test_says_which_parts_are_worse() -> None:
    held = {"users_affected": 10, "exposure": "customer", "is_regulatory": None}

    assert worse_parts(held, {"users_affected": 9, "exposure": "internal"}) == {}
    assert worse_parts(held, {"users_affected": 11, "is_regulatory": False}) == {
        "users_affected": 11,
        "is_regulatory": False,
    }


values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.none())
)


@given(st.dictionaries(st.sampled_from(["users_affected", "exposure", "is_regulatory"]), values))
def test_takes_whatever_labels_hold(labels: dict[str, Any]) -> None:
    impact_of(labels)
