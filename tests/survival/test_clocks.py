"""Clocks that are wrong, that are set, and the two nights on which they change."""

import datetime
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from config import clock
from config.due.models import Timer
from config.due.sending import capture_sends
from config.due.worker import run_due
from config.organisation.models import Team, User
from escalation.paging.models import Page
from escalation.policies.models import Target
from escalation.runs.operations import TIER
from incidents.alerts.models import RawPayload
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from tests.escalation import make
from tests.incidents import make as make_incidents
from tests.incidents.alerts import make as make_alerts
from tests.survival.fleet import Fleet
from tests.survival.reckoning import is_quiet
from tests.survival.storm import Phone

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3600


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_pages_neither_early_nor_late_nor_twice_with_a_clock_an_hour_off(
    fleet: Fleet,
    phone: Phone,
    on_call: User,
    checkout: Service,
    eventually: Callable[..., Any],
    seconds: int,
) -> None:
    make_alerts.payload(make_alerts.source(service=checkout), make_alerts.firing(level="error"))
    fleet.start("skewed", module="tests.survival.skewed_worker", WATCHBILL_SKEW=str(seconds))
    fleet.start("right")

    eventually(lambda: Page.objects.filter(state="sent").exists(), within=30)
    eventually(lambda: is_quiet() and not RawPayload.objects.new().exists())

    # The next tier has ten minutes: were they counted from a wrong clock, it would be paged too,
    # or in an hour.
    timer = Timer.objects.open().get(kind=TIER)
    wait = (timer.due_at - clock.now()).total_seconds()
    assert 500 < wait <= 600
    assert make.paged() == [(on_call.username, 1, 1)]
    assert len(phone.arrivals) == 1
    assert abs((Incident.objects.get().opened_at - clock.now()).total_seconds()) < 60


def test_goes_by_the_databases_clock_once_it_has_heard_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_heard", None)
    real = clock.now()
    clock.hear(real)
    for off in (HOUR, -HOUR, 0.2):
        wall = real + datetime.timedelta(seconds=off)
        monkeypatch.setattr(clock, "_wall", lambda wall=wall: wall)
        assert abs((clock.now() - real).total_seconds()) < 0.9

    clock.hear(real + datetime.timedelta(hours=1))  # the database's own clock was set
    assert (clock.now() - real).total_seconds() >= HOUR


# At 01:00 UTC the clocks of Berlin go from 02:00 to 03:00, and from 03:00 back to 02:00.
@pytest.mark.parametrize("night", [datetime.date(2026, 3, 29), datetime.date(2026, 10, 25)])
@pytest.mark.django_db
def test_escalates_by_elapsed_time_to_who_is_on_call_in_the_night_of_a_clock_change(
    payments: Team, checkout: Service, alice: User, bob: User, night: datetime.date
) -> None:
    began = datetime.datetime.combine(night, datetime.time(0, 55), tzinfo=datetime.UTC)
    with clock.simulated(began - datetime.timedelta(days=30)):
        rota = make.schedule(
            payments,
            layers=[
                make.layer(
                    bob,
                    alice,
                    starts_on=night - datetime.timedelta(days=14),
                    handoff=datetime.time(3, 30),  # after the hour that is skipped or doubled
                    days=1,
                )
            ],
            time_zone="Europe/Berlin",
        )
        for person in (alice, bob):
            make.contact(person)
        tier = {"target": Target.SCHEDULE, "schedule": rota, "wait_minutes": 50}
        make.policy([tier, tier, tier])
    with clock.simulated(began):
        make_incidents.incident(service=checkout)

    with capture_sends() as sent:
        for minutes in range(0, 121, 5):
            run_due(began + datetime.timedelta(minutes=minutes))

    pages = list(Page.objects.order_by("tier"))
    assert [page.due_at - began for page in pages] == [
        datetime.timedelta(minutes=50 * number) for number in range(3)
    ]
    change = datetime.datetime.combine(night, datetime.time(3, 30), tzinfo=BERLIN)
    before, after = pages[0].responder, pages[-1].responder
    assert before != after
    for page in pages:
        assert page.responder == (after if page.due_at >= change else before)
    assert len(sent) == len(pages)
