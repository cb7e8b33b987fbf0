"""What firing alerts do: open, attach, reopen, join, worsen."""

import datetime

import pytest

from config import clock
from config.due.models import Timer
from incidents.alerts.models import Alert, PayloadState
from incidents.catalog.models import Service
from incidents.lifecycle import operations as lifecycle
from incidents.lifecycle.models import Incident, Source
from incidents.lifecycle.rules import State
from tests.incidents import make as make_incidents
from tests.incidents.alerts import make

pytestmark = pytest.mark.django_db


def test_opens_an_incident_for_the_service_it_names(checkout: Service):
    source = make.source()
    started = clock.now() - datetime.timedelta(minutes=10)

    row = make.received(
        source,
        make.firing(service="checkout", level="critical", starts_at=started.isoformat()),
    )

    incident = make.only_incident()
    assert make.effects(row) == ["opened"]
    assert row.state == PayloadState.DONE
    assert row.outcome[0]["incident"] == incident.reference
    assert (incident.service, incident.team) == (checkout, checkout.team)
    assert (incident.source, incident.state) == (Source.ALERT, State.NEW)
    assert incident.title == "Alert disk"
    assert incident.started_at == started
    assert incident.detected_at == row.received_at
    assert incident.history.get().history_user == source.account
    alert = make.only_alert()
    assert (alert.incident, alert.count, alert.state) == (incident, 1, "firing")


def test_uses_the_default_service_for_one_it_does_not_know(checkout: Service):
    source = make.source(service=checkout)

    make.received(source, make.firing(service="no-such-service"))

    assert make.only_incident().service == checkout


def test_goes_to_the_triage_queue_without_any_service():
    source = make.source()

    make.received(source, make.firing())

    incident = make.only_incident()
    assert incident.service is None
    assert incident.team.key == "triage"
    assert make.only_alert().team == source.team


def test_counts_repeats_on_the_open_incident():
    source = make.source()
    make.received(source, make.firing())

    row = make.received(source, [make.firing(), make.firing()])

    assert make.effects(row) == ["attached", "attached"]
    assert make.only_alert().count == 3
    assert make.lines(make.only_incident()) == [
        f"Opened as {make.only_incident().severity}: Alert disk",
        "Has fired 3 times: Alert disk",
    ]


def test_tells_of_the_2nd_the_10th_and_the_100th_time_alone():
    source = make.source()

    for _ in range(12):
        make.received(source, make.firing())

    notes = [line for line in make.lines(make.only_incident()) if line.startswith("Has fired")]
    assert notes == ["Has fired 2 times: Alert disk", "Has fired 10 times: Alert disk"]


def test_keeps_alerts_of_two_sources_apart():
    first, second = make.source(), make.source()

    make.received(first, make.firing())
    make.received(second, make.firing())

    assert Incident.objects.count() == 2


def test_reopens_within_the_days_after_the_resolution():
    source = make.source()
    make.received(source, make.firing())
    incident = make.only_incident()
    lifecycle.resolve(incident, actor=source.account)

    row = make.received(source, make.firing())

    incident.refresh_from_db()
    assert make.effects(row) == ["reopened"]
    assert incident.state == State.INVESTIGATING
    assert incident.reopened_count == 1
    last = incident.history.first()
    assert last.history_user == source.account
    assert last.history_change_reason == "The alert fires again: Alert disk"


def test_opens_another_incident_after_these_days():
    source = make.source()
    long_ago = clock.now() - datetime.timedelta(days=8)
    with clock.simulated(long_ago):
        make.received(source, make.firing())
        first = make.only_incident()
        lifecycle.resolve(first, actor=source.account)

    row = make.received(source, make.firing())

    second = Incident.objects.latest("id")
    assert make.effects(row) == ["opened"]
    assert second != first
    assert make.only_alert().incident == second
    assert f"The same alert had opened {first.reference} before." in make.lines(second)


def test_does_not_reopen_by_what_came_in_before_the_resolution():
    source = make.source()
    make.received(source, make.firing())
    late = make.payload(source, make.firing())
    incident = make.only_incident()
    lifecycle.resolve(incident, actor=source.account)

    make.drain_inbox()

    incident.refresh_from_db()
    late.refresh_from_db()
    assert incident.state == State.RESOLVED
    assert make.effects(late) == ["attached"]


def test_leaves_a_cancelled_incident_alone_until_the_alert_has_cleared():
    source = make.source()
    make.received(source, make.firing())
    first = make.only_incident()
    lifecycle.cancel(first, actor=source.account, reason="a test of the sprinklers")

    repeated = make.received(source, make.firing())
    Alert.objects.update(state="resolved", ends_at=clock.now())
    again = make.received(source, make.firing())

    first.refresh_from_db()
    assert first.state == State.CANCELLED
    assert make.effects(repeated) == ["attached"]
    assert make.effects(again) == ["opened"]


def test_puts_alerts_of_one_group_and_service_into_one_incident(checkout: Service):
    source = make.source("alertmanager", service=checkout)

    first = make.received(source, make.group(make.member("a"), make.member("b")))
    second = make.received(source, make.group(make.member("a"), make.member("c")))

    incident = make.only_incident()
    assert make.effects(first) == ["opened", "joined"]
    assert make.effects(second) == ["attached", "joined"]
    assert incident.alerts.count() == 3
    assert "Grows by the alert: Down on c" in make.lines(incident)


def test_opens_one_incident_per_service_of_a_group(checkout: Service, tracking: Service):
    source = make.source("alertmanager")

    make.received(
        source,
        make.group(
            make.member("a", labels={"service": "checkout"}),
            make.member("b", labels={"service": "tracking"}),
        ),
    )

    assert {i.service for i in Incident.objects.all()} == {checkout, tracking}


def test_raises_the_level_with_a_worse_alert_and_never_lowers_it(tracking: Service):
    source = make.source(service=tracking)
    make.received(source, make.firing(level="warning"))
    before = make.only_incident().severity

    make.received(source, make.firing(level="critical"))
    worse = make.only_incident()
    make.received(source, make.firing(level="info"))

    assert worse.level == "critical"
    assert worse.severity < before
    assert make.only_incident().level == "critical"


def test_looks_into_a_watched_incident_again_when_its_alert_is_back(checkout: Service):
    source = make.source(service=checkout)
    make.received(source, make.firing(level="critical"))
    make.received(source, make.resolved())
    Alert.objects.update(state="resolved", resolve_pending_at=None)
    incident = make.only_incident()
    lifecycle.monitor(incident, actor=source.account)

    make.received(source, make.firing(level="critical"))

    incident.refresh_from_db()
    assert incident.state == State.INVESTIGATING


def test_ignores_the_end_of_an_alert_that_nobody_knows():
    source = make.source()

    row = make.received(source, make.resolved())

    assert make.effects(row) == ["ignored"]
    assert not Alert.objects.exists()
    assert not Timer.objects.exists()


def test_trusts_no_start_in_the_future_or_before_computers():
    source = make.source()
    ahead = clock.now() + datetime.timedelta(days=1)

    first = make.received(source, make.firing("a", starts_at=ahead.isoformat()))
    second = make.received(source, make.firing("b", starts_at="0001-01-01T00:00:00Z"))

    starts = list(Incident.objects.order_by("id").values_list("started_at", flat=True))
    assert starts == [first.received_at, second.received_at]


@pytest.mark.check("INC-14.1")
def test_takes_the_severity_from_the_service_whatever_the_tool_says(checkout: Service):
    make_incidents.service("wiki", tier=4)
    source = make.source()

    make.received(
        source,
        [
            make.firing("a", service="wiki", level="critical"),
            make.firing("b", service="checkout", level="critical"),
        ],
    )

    wiki, shop = Incident.objects.order_by("id")
    assert wiki.severity == "SEV4"
    assert shop.severity in ("SEV1", "SEV2")
