"""A running escalation: tier after tier, until a person acknowledges."""

import datetime

import pytest

from config import clock
from config.due.models import Timer
from config.due.worker import capture_sends, run_due
from config.events.models import Event
from config.organisation.models import User
from escalation.paging.models import Page, PageState
from escalation.paging.operations import PagePlan, create_pages
from escalation.policies.models import Target
from escalation.policies.operations import use_policy
from escalation.runs import operations
from escalation.runs.models import EscalationRecord, EscalationRun, RunState
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import acknowledge, cancel, edit, reopen, resolve
from incidents.timeline.operations import add_note
from tests.config import make as people
from tests.escalation import make
from tests.escalation.make import START, after, kinds, lines
from tests.incidents import make as make_incidents


def run_of(incident: Incident) -> EscalationRun:
    return EscalationRun.objects.get(incident=incident)


def act(minutes: float, operation, *arguments, **named):
    with clock.simulated(after(minutes)):
        return operation(*arguments, **named)


@pytest.mark.check("ESC-09.1")
def test_pages_each_tier_when_the_one_before_has_not_answered(incident: Incident) -> None:
    assert run_due(after(4.9)) > 0
    assert make.paged() == [("bob", 1, 1)]
    run_due(after(5))
    assert make.paged() == [("bob", 1, 1), ("alice", 2, 1)]
    run_due(after(14.9))
    assert run_of(incident).next_tier_at == after(15)
    run_due(after(29.9))
    assert make.paged() == [("bob", 1, 1), ("alice", 2, 1), ("dora", 3, 1)]
    assert run_of(incident).state == RunState.ACTIVE

    run_due(after(30))

    run = run_of(incident)
    assert (run.state, run.next_tier_at) == (RunState.EXHAUSTED, None)
    assert kinds(incident) == [
        "started 0/1", "paged 1/1", "paged 2/1", "paged 3/1", "exhausted 3/1",
    ]  # fmt: skip
    assert lines(incident)[-1].startswith("Nobody acknowledged")


def test_keeps_due_times_when_the_worker_is_late(incident: Incident) -> None:
    run_due(after(0))
    timer = Timer.objects.open().get(kind=operations.TIER)

    act(9, operations.page_next_tier, incident, due_at=timer.due_at, actor=people.system())

    page = Page.objects.get(tier=2)
    assert (page.due_at, page.created_at) == (after(5), after(9))


def test_goes_round_as_often_as_the_policy_says(checkout: Service, reachable, bob, alice) -> None:
    with clock.simulated(START):
        make.policy([make.person_tier(bob), make.person_tier(alice)], rounds=2)
        incident = make_incidents.incident(service=checkout)

    run_due(after(60))

    assert make.paged() == [("bob", 1, 1), ("alice", 2, 1), ("bob", 1, 2), ("alice", 2, 2)]
    assert run_of(incident).state == RunState.EXHAUSTED


def test_waits_as_long_as_the_severity_asks_where_the_tier_does_not_say(
    checkout: Service, reachable, bob, alice
) -> None:
    with clock.simulated(START):
        make.policy([make.person_tier(bob, None), make.person_tier(alice, None)])
        incident = make_incidents.incident(service=checkout)

    run_due(after(0))

    assert (incident.severity, run_of(incident).next_tier_at) == ("SEV2", after(10))


def test_keeps_the_policy_version_with_which_it_began(incident: Incident, policy, dora) -> None:
    run_due(after(0))
    with clock.simulated(after(1)):
        newer = make.policy([make.person_tier(dora, 1)])

    run_due(after(15))

    assert run_of(incident).policy_version == policy
    assert newer.number == policy.number + 1
    assert make.paged() == [("bob", 1, 1), ("alice", 2, 1), ("dora", 3, 1)]


def test_skips_a_tier_without_anybody_at_once_and_records_it(
    checkout: Service, payments, reachable, bob, alice
) -> None:
    rota = make.schedule(payments, is_active=False)
    with clock.simulated(START):
        make.policy(
            [
                {"target": Target.TEAM_ON_CALL},
                {"target": Target.SCHEDULE, "schedule": rota},
                make.person_tier(alice),
            ]
        )
        incident = make_incidents.incident(service=checkout)

    run_due(after(0))

    assert make.paged() == [("alice", 3, 1)]
    skipped = EscalationRecord.objects.filter(kind="skipped").order_by("id")
    assert [(row.tier, row.at) for row in skipped] == [(1, START), (2, START)]
    assert skipped[0].reason == "Nobody to page: on call for the incident's team"
    assert run_of(incident).tier == 3


def test_is_exhausted_at_once_where_no_tier_has_anybody(checkout: Service, reachable) -> None:
    with clock.simulated(START):
        make.policy([{"target": Target.TEAM_LEADS}], rounds=9)
        incident = make_incidents.incident(service=checkout)

    run_due(after(0))

    assert run_of(incident).state == RunState.EXHAUSTED
    assert EscalationRecord.objects.filter(kind="skipped").count() == 9
    assert not Page.objects.exists()


def test_does_not_page_a_person_who_left(incident: Incident, bob: User) -> None:
    bob.is_active = False
    bob.save_as(people.system(), "is_active")

    run_due(after(0))

    assert make.paged() == [("alice", 2, 1)]


def test_pages_the_on_call_person_of_the_moment(
    checkout: Service, payments, reachable, alice, bob
) -> None:
    make.schedule(payments, alice, bob)
    with clock.simulated(START + datetime.timedelta(days=7)):
        make.policy([{"target": Target.TEAM_ON_CALL}, make.person_tier(alice)])
        make_incidents.incident(service=checkout)

    run_due(START + datetime.timedelta(days=7))

    assert make.paged() == [("bob", 1, 1)]


def test_stops_when_a_person_acknowledges(incident: Incident, bob: User) -> None:
    run_due(after(0))
    act(2, acknowledge, incident, actor=bob)
    act(3, add_note, incident, actor=bob, text="Looking at it.")

    run_due(after(600))

    run = run_of(incident)
    assert (run.state, run.acknowledged_at, run.next_tier_at) == (
        RunState.ACKNOWLEDGED, after(2), None,
    )  # fmt: skip
    assert make.paged() == [("bob", 1, 1)]
    page = Page.objects.get()
    assert (page.state, page.acknowledged_at) == (PageState.ACKNOWLEDGED, after(2))


def test_stops_for_a_person_whom_it_did_not_page(incident: Incident) -> None:
    run_due(after(0))
    outsider = people.user("outsider")
    act(2, acknowledge, incident, actor=outsider)
    act(3, add_note, incident, actor=outsider, text="Looking at it.")

    run_due(after(600))

    assert make.paged() == [("bob", 1, 1)]
    assert Page.objects.get().state == PageState.SENT


def test_goes_on_while_only_tools_act(incident: Incident) -> None:
    run_due(after(0))
    act(2, make_incidents.do, "monitor", incident, actor=people.system())

    run_due(after(5))

    assert make.paged() == [("bob", 1, 1), ("alice", 2, 1)]


@pytest.mark.parametrize("verb", [resolve, cancel])
def test_ends_with_the_incident(incident: Incident, bob: User, verb) -> None:
    named = {"reason": "no incident"} if verb is cancel else {}
    act(1, verb, incident, actor=people.system(), **named)

    with capture_sends() as sent:
        run_due(after(600))

    run = run_of(incident)
    assert (run.state, run.ended_at, run.next_tier_at) == (RunState.ENDED, after(1), None)
    assert (make.paged(), sent) == ([], [])


def test_begins_again_when_a_tool_reopens(incident: Incident, bob: User) -> None:
    run_due(after(0))
    act(1, acknowledge, incident, actor=bob)
    act(2, resolve, incident, actor=bob)
    act(30, reopen, incident, actor=people.system(), reason="It fires again.")

    run_due(after(30))

    assert [run.trigger for run in EscalationRun.objects.order_by("id")] == ["opened", "reopened"]
    assert make.paged() == [("bob", 1, 1), ("bob", 1, 1)]


def test_leaves_alone_whom_reopens_after_acknowledging(incident: Incident, bob: User) -> None:
    act(1, acknowledge, incident, actor=bob)
    act(2, resolve, incident, actor=bob)
    act(30, reopen, incident, actor=bob, reason="It is back.")

    run_due(after(60))

    assert [run.state for run in EscalationRun.objects.all()] == [RunState.ENDED]


@pytest.mark.check("ESC-09.3")
def test_is_armed_again_when_nothing_follows_the_acknowledgement(
    incident: Incident, bob: User
) -> None:
    run_due(after(0))
    token = people.api(bob)
    with clock.simulated(after(2)):
        answer = token.post(f"/api/v1/incidents/{incident.reference}/acknowledge/")
    assert answer.status_code == 200

    run_due(after(31.9))
    assert run_of(incident).state == RunState.ACKNOWLEDGED
    run_due(after(32))

    assert make.paged() == [("bob", 1, 1), ("alice", 2, 1)]
    assert run_of(incident).state == RunState.ACTIVE
    with clock.simulated(after(33)):
        told = token.get(f"/api/v1/incidents/{incident.reference}/timeline/").data["results"]
    assert "Acknowledged, but nothing was done since: paging goes on." in [
        line["text"] for line in told
    ]
    assert "rearmed 1/1" in kinds(incident)


def test_is_not_armed_again_when_something_was_done(incident: Incident, bob: User) -> None:
    act(2, acknowledge, incident, actor=bob)
    act(10, add_note, incident, actor=bob, text="Rolled back.", kind="action")

    run_due(after(600))

    assert run_of(incident).state == RunState.ACKNOWLEDGED
    assert make.paged() == []


def test_is_stopped_by_the_same_person_once_it_was_armed_again(
    incident: Incident, bob: User
) -> None:
    run_due(after(0))
    act(2, acknowledge, incident, actor=bob)
    run_due(after(32))
    assert run_of(incident).state == RunState.ACTIVE

    act(33, acknowledge, incident, actor=bob)
    act(34, add_note, incident, actor=bob, text="Really looking.")

    run_due(after(600))
    assert run_of(incident).state == RunState.ACKNOWLEDGED
    assert make.paged() == [("bob", 1, 1), ("alice", 2, 1)]
    incident.refresh_from_db()
    assert incident.acknowledged_at == after(2)


def test_goes_one_more_round_when_armed_again_after_the_last_tier(
    incident: Incident, dora: User
) -> None:
    run_due(after(15))
    act(16, acknowledge, incident, actor=dora)

    run_due(after(46))

    assert make.paged()[-1] == ("bob", 1, 2)


def test_begins_again_with_the_team_to_which_it_is_given(
    incident: Incident, tracking: Service, logistics, alice: User, mallory: User
) -> None:
    make.contact(mallory)
    make.schedule(logistics, mallory)
    with clock.simulated(START):
        version = make.policy([{"target": Target.TEAM_ON_CALL}, make.person_tier(alice)], key="lg")
    use_policy(version.policy, team=logistics, actor=people.system())
    run_due(after(0))
    act(1, edit, incident, actor=alice, changes={"service": tracking}, reason="theirs")

    run_due(after(1))

    old, new = EscalationRun.objects.order_by("id")
    assert (old.state, new.state, new.trigger) == (RunState.ENDED, RunState.ACTIVE, "reassigned")
    assert new.policy_version == version
    assert make.paged() == [("bob", 1, 1), ("mallory", 1, 1)]


def test_stays_with_who_has_acknowledged_when_it_is_given_away(
    incident: Incident, tracking: Service, bob: User
) -> None:
    act(1, acknowledge, incident, actor=bob)
    act(2, edit, incident, actor=bob, changes={"service": tracking}, reason="theirs")

    assert [run.state for run in EscalationRun.objects.all()] == [RunState.ACKNOWLEDGED]


def test_is_not_disturbed_by_an_edit_of_the_title(incident: Incident, bob: User) -> None:
    act(1, edit, incident, actor=bob, changes={"title": "Checkout is very slow"})

    assert run_of(incident).state == RunState.ACTIVE


def test_says_so_when_no_policy_is_in_force(checkout: Service) -> None:
    incident = make_incidents.incident(service=checkout)

    event = Event.objects.get(kind="escalation.no_policy")

    assert (event.subject_id, event.reason) == (incident.pk, "opened")
    assert not EscalationRun.objects.exists()


def test_makes_no_second_page_for_the_same_step(incident: Incident, bob: User) -> None:
    run_due(after(0))
    run = run_of(incident)
    plan = PagePlan(run.pk, incident, bob, run.tier, run.round, after(0))

    with capture_sends() as sent:
        create_pages([plan], actor=people.system())
        run_due(after(0))

    assert make.paged() == [("bob", 1, 1)]
    assert sent == []


def test_goes_on_when_its_timer_was_lost(incident: Incident) -> None:
    run_due(after(0))
    Timer.objects.open().filter(kind=operations.TIER).update(dead_at=after(5))

    assert operations.rearm_forgotten(after(4)) == 0
    with clock.simulated(after(20)):
        assert operations.rearm_forgotten(after(20)) == 1
        assert operations.rearm_forgotten(after(20)) == 0
    run_due(after(20))

    assert make.paged() == [("bob", 1, 1), ("alice", 2, 1)]
