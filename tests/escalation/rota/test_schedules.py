"""Schedules: who is on call, overrides, and what is refused."""

import datetime

import pytest
from django.core.exceptions import ValidationError

from config import clock
from config.errors import Invalid, Refused, Stale
from config.events.operations import ask
from config.organisation.models import User
from escalation.rota import operations
from escalation.rota.models import Layer, Override, Schedule, Turn
from escalation.rota.rules import Cover
from tests.config import make as people
from tests.escalation import make
from tests.escalation.make import START

HOUR = datetime.timedelta(hours=1)
WEEK = datetime.timedelta(days=7)
URL = "/api/v1/schedules/"


@pytest.fixture
def rota(payments, alice: User, bob: User) -> Schedule:
    """alice and bob week by week, from Monday 2 March 2026 at nine UTC."""
    return make.schedule(payments, alice, bob, key="payments-primary")


@pytest.fixture
def root_api(root: User):
    return people.api(root)


def override(rota: Schedule, user: User, start, end, *, now=START, **fields) -> Override:
    with clock.simulated(now):
        return operations.add_override(
            rota, user=user, start=start, end=end, actor=people.system(), **fields
        )


def test_answers_who_is_on_call(rota: Schedule, alice: User, bob: User) -> None:
    found = [operations.on_call(rota, START + n * WEEK - HOUR) for n in range(3)]

    assert found == [None, alice, bob]


def test_lets_an_override_win_from_its_start_until_before_its_end(
    rota: Schedule, alice: User, bob: User
) -> None:
    override(rota, bob, START + HOUR, START + 3 * HOUR)

    found = [operations.on_call(rota, START + n * HOUR) for n in range(5)]

    assert found == [alice, bob, bob, alice, alice]


def test_shows_the_final_schedule(rota: Schedule, alice: User, bob: User) -> None:
    override(rota, bob, START + HOUR, START + 3 * HOUR)

    found = operations.covers(rota, START - HOUR, START + WEEK + HOUR)

    assert found == [
        Cover(START, START + HOUR, alice.pk),
        Cover(START + HOUR, START + 3 * HOUR, bob.pk, is_override=True),
        Cover(START + 3 * HOUR, START + WEEK, alice.pk),
        Cover(START + WEEK, START + WEEK + HOUR, bob.pk),
    ]


def test_falls_to_the_next_layer_where_the_first_has_nobody(payments, alice, bob) -> None:
    first = make.layer(alice, ends_on=datetime.date(2026, 3, 9))
    rota = make.schedule(payments, layers=[first, make.layer(bob, name="Secondary")])

    assert [operations.on_call(rota, START + n * WEEK) for n in range(2)] == [alice, bob]


def test_hands_over_at_local_time_across_a_clock_change(payments, alice, bob, root_api) -> None:
    make.schedule(payments, alice, bob, key="berlin", time_zone="Europe/Berlin")
    asked = {
        "2026-03-23T07:59:59Z": "alice", "2026-03-23T08:00:00Z": "bob",
        "2026-03-30T06:59:59Z": "bob", "2026-03-30T07:00:00Z": "alice",
    }  # fmt: skip

    found = {at: root_api.get(f"{URL}berlin/on-call/", {"at": at}).data["username"] for at in asked}

    assert found == asked


def test_has_nobody_while_it_is_not_active(rota: Schedule, payments) -> None:
    operations.edit_schedule(rota, actor=people.system(), values={"is_active": False})

    assert operations.on_call(rota, START) is None
    assert operations.on_call_of_team(payments.pk, START) == []


def test_answers_floors_below(rota: Schedule, payments, alice: User, bob: User) -> None:
    make.schedule(payments, alice)
    make.schedule(payments, bob)

    assert ask("oncall.now", team_id=payments.pk, at=START) == [alice, bob]


def test_needs_the_same_queries_for_many_schedules(
    rota: Schedule, payments, alice, django_assert_num_queries
) -> None:
    schedules = [rota, *(make.schedule(payments, alice) for _ in range(4))]

    with django_assert_num_queries(3):
        assert len(operations.on_call_each(schedules, START)) == 5


def test_takes_an_override_back_once(rota: Schedule, alice: User, bob: User) -> None:
    row = override(rota, bob, START, START + HOUR)

    operations.withdraw_override(row, actor=alice, reason="well again")

    assert operations.on_call(rota, START) == alice
    with pytest.raises(Refused) as refusal:
        operations.withdraw_override(row, actor=alice)
    assert refusal.value.public_code == "override_withdrawn"
    override(rota, bob, START, START + HOUR)


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        (START + HOUR, START + HOUR, "end"),
        (START + HOUR, START, "end"),
        (START - 2 * HOUR, START - HOUR, "end"),
        (START, START + 60 * WEEK, "end"),
    ],
)
def test_refuses_periods_that_make_no_sense(rota, bob, start, end, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        override(rota, bob, start, end)

    assert refusal.value.field == field
    assert not Override.objects.exists()


def test_refuses_a_second_override_of_the_same_time(rota: Schedule, alice, bob) -> None:
    override(rota, bob, START, START + 2 * HOUR)
    override(rota, alice, START + 2 * HOUR, START + 3 * HOUR)

    with pytest.raises(ValidationError) as refusal:
        override(rota, alice, START + HOUR, START + 2 * HOUR)

    assert "Another override covers part of that time." in refusal.value.messages
    assert Override.objects.count() == 2


@pytest.mark.parametrize("who", ["tool", "gone"])
def test_is_for_active_people(rota: Schedule, who: str) -> None:
    user = people.service_account() if who == "tool" else people.user("gone", is_active=False)

    with pytest.raises(Invalid) as refusal:
        override(rota, user, START, START + HOUR)
    assert refusal.value.field == "people"
    with pytest.raises(Invalid):
        operations.add_turn(rota.layers.get(), actor=people.system(), user=user, position=3)
    assert Turn.objects.count() == 2


def test_refuses_a_rotation_without_people(payments) -> None:
    with pytest.raises(Invalid) as refusal:
        make.schedule(payments, layers=[make.layer()])

    assert refusal.value.field == "layers"
    assert not Layer.objects.exists()


def test_refuses_an_edit_of_what_somebody_changed_meanwhile(rota: Schedule) -> None:
    with pytest.raises(Stale):
        operations.edit_schedule(rota, actor=people.system(), values={"name": "X"}, revision=0)


def test_replaces_its_rotations_over_the_api(rota: Schedule, root_api, bob: User) -> None:
    body = {"layers": [{"starts_on": "2026-03-02", "handoff": "09:00", "people": ["bob"]}]}

    answer = root_api.patch(f"{URL}{rota.key}/", body, HTTP_IF_MATCH="*")

    assert answer.status_code == 200, answer.data
    assert [each["username"] for each in answer.data["layers"][0]["people"]] == ["bob"]
    assert operations.on_call(Schedule.objects.get(), START) == bob
    assert Turn.history.filter(history_type="-").count() == 2


@pytest.mark.parametrize("missing", ["starts_on", "handoff", "people"])
def test_takes_only_whole_rotations_over_the_api(rota: Schedule, root_api, missing: str) -> None:
    layer = {"starts_on": "2026-03-02", "handoff": "09:00", "people": ["bob"]}
    del layer[missing]

    answer = root_api.patch(f"{URL}{rota.key}/", {"layers": [layer]}, HTTP_IF_MATCH="*")

    assert answer.status_code == 400, answer.data
    assert Turn.objects.count() == 2


def test_edits_rotations_and_turns_by_operations(rota: Schedule, alice: User, bob: User) -> None:
    system = people.system()
    layer = rota.layers.get()
    operations.edit_layer(layer, actor=system, changes={"days": 1})
    assert operations.on_call(rota, START + 24 * HOUR) == bob
    first, second = layer.turns.all()
    operations.edit_turn(first, actor=system, changes={"user": bob})
    assert operations.on_call(rota, START) == bob
    operations.remove_turn(second, actor=system)
    operations.add_layer(
        rota,
        actor=system,
        starts_on=datetime.date(2026, 3, 2),
        handoff=datetime.time(9),
        position=2,
    )
    operations.remove_layer(layer, actor=system)

    assert operations.on_call(rota, START) is None
    assert [each.position for each in rota.layers.all()] == [2]


@pytest.mark.parametrize(
    ("path", "query", "pointer"),
    [
        ("on-call", {"at": "yesterday"}, "at"),
        ("on-call", {"at": "9999-12-31T23:59:59Z"}, "at"),
        ("on-call", {"at": "0001-01-01T00:00:00Z"}, "at"),
        ("covers", {"from": "2026-03-02T00:00:00Z", "until": "2026-03-01T00:00:00Z"}, "until"),
        ("covers", {"from": "2026-03-02T00:00:00Z", "until": "2029-03-01T00:00:00Z"}, "until"),
        ("covers", {"from": "9999-01-01T00:00:00Z"}, "from"),
    ],
)
def test_answers_400_to_impossible_times(rota, root_api, path, query, pointer: str) -> None:
    answer = root_api.get(f"{URL}{rota.key}/{path}/", query)

    assert answer.status_code == 400, answer.data
    assert pointer in str(answer.data["errors"])


@pytest.mark.parametrize(
    "changes",
    [
        {"time_zone": "Mars/Olympus"},
        {"key": "Has Spaces"},
        {"layers": []},
        {"layers": [{"starts_on": "1066-10-14", "handoff": "09:00", "people": ["bob"]}]},
        {"layers": [{"starts_on": "2026-03-02", "handoff": "25:00", "people": ["bob"]}]},
        {"layers": [{"starts_on": "2026-03-02", "handoff": "09:00", "people": ["nobody"]}]},
        {"layers": [{"starts_on": "2026-03-02", "handoff": "09:00", "people": []}]},
        {"team": "no-such-team"},
        {"colour": "red"},
    ],
)
def test_answers_400_to_a_wrong_body(payments, bob, root_api, changes) -> None:
    body = {
        "key": "nights", "name": "Nights", "team": "payments",
        "layers": [{"starts_on": "2026-03-02", "handoff": "09:00", "people": ["bob"]}],
    }  # fmt: skip

    answer = root_api.post(URL, {**body, **changes})

    assert answer.status_code == 400, answer.data
    assert not Schedule.objects.exists()


@pytest.mark.check("ESC-08.2")
def test_reports_who_has_fewer_than_two_verified_addresses(
    rota: Schedule, alice: User, bob: User, root_api
) -> None:
    make.contact(alice)
    make.contact(alice)
    make.contact(bob)

    answer = root_api.get(f"{URL}{rota.key}/reachability/")

    assert [dict(row) for row in answer.data] == [
        {"username": "alice", "verified": 2, "enough": True},
        {"username": "bob", "verified": 1, "enough": False},
    ]
