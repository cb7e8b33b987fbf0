"""Clocks that are wrong, that are set, and the two nights on which they change."""

import datetime
from collections.abc import Callable
from pathlib import Path
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
from tests.config.make import api as api_of
from tests.config.make import browser as browser_of
from tests.escalation import make
from tests.incidents import make as make_incidents
from tests.incidents.alerts import make as make_alerts
from tests.survival.fleet import Fleet
from tests.survival.reckoning import is_quiet
from tests.survival.storm import Phone

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3600
INCIDENTS = "/admin/incidents/incident/"


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_pages_neither_early_nor_late_nor_twice_when_a_workers_clock_is_set(
    fleet: Fleet,
    phone: Phone,
    on_call: User,
    checkout: Service,
    tmp_path: Path,
    eventually: Callable[..., Any],
    seconds: int,
) -> None:
    source, file = make_alerts.source(service=checkout), tmp_path / "clock"
    file.write_text(f"{seconds:+}")
    fleet.start("wrong", WATCHBILL_CLOCK=str(file))
    fleet.start("right")
    for key, off in (("first", 0), ("second", -seconds), ("third", seconds)):
        make_alerts.payload(source, make_alerts.firing(key, level="error"))
        sent = len(phone.arrivals) + 1
        eventually(lambda sent=sent: len(phone.arrivals) >= sent, within=30)
        file.write_text(f"{off:+}")
    eventually(lambda: is_quiet() and not RawPayload.objects.new().exists())

    # The next tier has ten minutes: were they counted from a wrong clock, it would be paged too,
    # or in an hour.
    timers = Timer.objects.open().filter(kind=TIER)
    waits = [(timer.due_at - clock.now()).total_seconds() for timer in timers]
    assert [500 < wait <= 600 for wait in waits] == [True] * 3
    assert make.paged() == [(on_call.username, 1, 1)] * 3
    assert len(phone.arrivals) == 3
    opened = Incident.objects.values_list("opened_at", flat=True)
    assert max(abs((at - clock.now()).total_seconds()) for at in opened) < 60


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


@pytest.mark.django_db
def test_lists_the_hour_that_comes_twice_in_its_order(checkout: Service, alice: User) -> None:
    """At half past two by the clock on the wall, twice in one night."""
    instants = [datetime.datetime(2026, 10, 25, hour, 30, tzinfo=datetime.UTC) for hour in (0, 1)]
    for title, at in zip(("summer", "winter"), instants, strict=True):
        with clock.simulated(at):
            make_incidents.incident(title, service=checkout)
    local = [at.astimezone(BERLIN) for at in instants]

    listed = api_of(alice).get("/api/v1/incidents/").json()["results"]
    since = api_of(alice).get("/api/v1/incidents/", {"opened_after": local[1].isoformat()})
    page = browser_of(alice).get(INCIDENTS, {"o": "-opened_at", **between(instants[1])})

    assert [at.strftime("%H:%M") for at in local] == ["02:30", "02:30"]
    assert [row["title"] for row in listed] == ["winter", "summer"]
    assert [row["title"] for row in since.json()["results"]] == ["winter"]
    assert [row.title for row in page.context["cl"].result_list] == ["winter"]


def between(at: datetime.datetime) -> dict[str, str]:
    """The admin's filter for the quarter of an hour around that instant."""
    half = datetime.timedelta(minutes=7)
    return {
        f"opened_at_{edge}_{part}": moment.strftime(form)
        for edge, moment in (("from", at - half), ("to", at + half))
        for part, form in ((0, "%Y-%m-%d"), (1, "%H:%M:%S"))
    }
