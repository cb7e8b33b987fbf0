"""Alerts that a person qualifies first: taken in as reports, by the template of incidents."""

import pytest

from config import clock
from config.access.rules import Role
from config.due.worker import run_due
from config.organisation.models import User
from incidents.alerts.models import Alert, IngestSource, PayloadState
from incidents.alerts.rules import Effect, Status
from incidents.catalog.models import Service
from incidents.intake.models import Conversion, IntakeItem, ItemState
from incidents.lifecycle.models import Incident
from tests.config import make as people
from tests.incidents import governed
from tests.incidents.alerts import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
ITEMS = "/api/v1/intake-items/"


@pytest.fixture
def source(checkout: Service) -> IngestSource:
    """Of the team of checkout; what it says of warnings a person qualifies first."""
    answer = governed.activate("settings", {"key": "alerts.to_intake", "value": ["warning"]})
    assert answer.status_code == 200, answer.data
    return make.source(team=checkout.team, service=checkout)


@pytest.fixture
def ben(checkout: Service) -> User:
    """Analyst of the team."""
    person = people.user("ben")
    people.role(Role.ANALYST, to=person, on=checkout.team)
    return person


@pytest.mark.check("INC-05.1")
def test_takes_an_alert_in_as_a_report_where_policy_wants_a_person_first(
    source: IngestSource, checkout: Service, ben: User
) -> None:
    payload = make.received(source, make.firing(title="Slow", level="warning"))

    item = IntakeItem.objects.get()
    assert make.effects(payload) == [Effect.REPORTED]
    assert payload.outcome[0]["report"] == item.reference
    assert not Incident.objects.exists()
    assert (item.title, item.service, item.team) == ("Slow", checkout, checkout.team)
    assert (item.state, item.level, item.reported_by) == (
        ItemState.OPEN, "warning", source.account,
    )  # fmt: skip
    assert make.only_alert().report == item
    listed = people.api(ben).get("/api/v1/alerts/").data["results"]
    assert [(row["report"], row["incident"]) for row in listed] == [(item.pk, None)]


def test_opens_incidents_for_all_other_levels(source: IngestSource) -> None:
    payload = make.received(source, [make.firing(level="error"), make.firing("x", level="info")])

    assert make.effects(payload) == [Effect.OPENED, Effect.OPENED]
    assert not IntakeItem.objects.exists()


def test_takes_one_report_in_however_often_it_repeats(source: IngestSource) -> None:
    for _ in range(3):
        make.received(source, make.firing(level="warning"))
    item = IntakeItem.objects.get()
    make.received(source, make.resolved(level="warning"))
    again = make.received(source, make.firing(level="warning"))

    assert make.effects(again) == [Effect.ATTACHED]
    assert (IntakeItem.objects.get(), make.only_alert().count) == (item, 4)


def test_takes_another_in_when_it_comes_back_after_the_first_was_settled(
    source: IngestSource, ben: User
) -> None:
    make.received(source, make.firing(level="warning"))
    row = f"{ITEMS}{IntakeItem.objects.get().pk}/"
    client = people.api(ben)
    client.post(f"{row}override/", {"outcome": "routine", "reason": "Known at month's end"})
    assert client.post(f"{row}convert/").status_code == 200

    repeated = make.received(source, make.firing(level="warning"))
    make.received(source, make.resolved(level="warning"))
    back = make.received(source, make.firing(level="warning"))

    assert make.effects(repeated) == [Effect.ATTACHED]
    assert make.effects(back) == [Effect.REPORTED]
    assert [each.state for each in IntakeItem.objects.order_by("pk")] == ["converted", "open"]
    assert not Incident.objects.exists()


def test_belongs_to_the_incident_that_a_person_makes_of_its_report(
    source: IngestSource, ben: User
) -> None:
    make.received(source, make.firing(level="warning"))
    item = IntakeItem.objects.get()

    answer = people.api(ben).post(f"{ITEMS}{item.pk}/convert/")
    run_due(clock.now())
    attached = make.received(source, make.firing(level="warning"))

    incident = make.only_incident()
    assert answer.status_code == 200, answer.data
    assert incident.level == "warning"
    assert make.only_alert().incident == incident
    assert make.effects(attached) == [Effect.ATTACHED]


def test_opens_an_incident_once_it_is_worse_and_closes_the_report(source: IngestSource) -> None:
    make.received(source, make.firing(level="warning"))

    worse = make.received(source, make.firing(level="critical"))

    item, incident = IntakeItem.objects.get(), make.only_incident()
    assert make.effects(worse) == [Effect.OPENED]
    assert (item.state, item.outcome) == (ItemState.CONVERTED, "incident")
    assert Conversion.objects.get(item=item).incident == incident
    assert item.decisions.order_by("-id")[0].outcome == "incident"
    assert f"Was reported as {item.reference}." in make.lines(incident)
    assert make.only_alert().incident == incident


def test_goes_on_with_the_incident_that_it_had_before(source: IngestSource) -> None:
    make.received(source, make.firing(level="error"))

    payload = make.received(source, make.firing(level="warning"))

    assert make.effects(payload) == [Effect.ATTACHED]
    assert not IntakeItem.objects.exists()


@pytest.mark.check("INC-09.3")
def test_asks_of_a_report_what_an_incident_must_have_by_the_same_keys(
    source: IngestSource,
) -> None:
    demands = [{"field": "category", "stage": "open"}]
    answer = governed.activate("intake-templates", {"channel": "alert", "demands": demands})
    assert answer.status_code == 200, answer.data

    refused = [
        make.received(source, make.firing(key, level=level))
        for key, level in (("one", "warning"), ("two", "error"))
    ]
    labels = {"type": "cyber", "category": "malware"}
    taken = make.received(source, make.firing("three", level="warning", labels=labels))

    assert [each.state for each in refused] == [PayloadState.QUARANTINED] * 2
    assert refused[0].error == refused[1].error
    assert refused[0].error.startswith("category: Category is needed to open it.")
    assert "(required_at_open)" in refused[0].error
    assert make.effects(taken) == [Effect.REPORTED]
    assert not Incident.objects.exists()
    assert Alert.objects.get().state == Status.FIRING
    assert IntakeItem.objects.count() == 1


def test_is_a_policy_that_units_may_have_of_their_own(checkout: Service) -> None:
    body = {"key": "alerts.to_intake", "value": ["info"], "unit": "retail"}
    answer = governed.activate("settings", body)
    assert answer.status_code == 200, answer.data
    elsewhere = make.source(team=people.team("far"))
    here = make.source(team=checkout.team, service=checkout)

    payloads = [make.received(each, make.firing(level="info")) for each in (elsewhere, here)]

    assert [make.effects(each) for each in payloads] == [[Effect.OPENED], [Effect.REPORTED]]
