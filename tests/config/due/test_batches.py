"""Many rows in one transaction: each as it would be alone, and none to the harm of another."""

import datetime

import pytest
from django.db import connection, connections

from config import clock
from config.due.batches import perform_all
from config.due.leases import CLAIM, Lease, _statement, claim, lease_one
from config.due.models import Timer
from config.due.operations import cancel, schedule, timer
from config.due.rules import BUSY
from config.due.timers import QUEUE
from config.organisation.models import User
from tests.config import make
from tests.config.due.effects import bump, count
from tests.config.due.meanwhile import locked, together

SECOND = datetime.timedelta(seconds=1)


@pytest.fixture
def roots(db) -> list[User]:
    return [make.user() for _ in range(10)]


def promise(kind: str, roots: list[User]) -> list[Timer]:
    """A timer for each, due since different times."""
    now = clock.now()
    return [
        schedule(kind, root, now - (60 - place) * SECOND, key=f"{kind} {root.pk}")
        for place, root in enumerate(roots)
    ]


def perform(leases: list[Lease]) -> None:
    perform_all(QUEUE, leases, lambda: False)


def begun(captured) -> int:
    """How many transactions of the worker there were."""
    return sum("lock_timeout" in each["sql"] for each in captured.captured_queries)


def test_does_the_rows_of_many_records_in_one_transaction(
    roots, django_assert_max_num_queries
) -> None:
    rows = promise("test.bump", roots)

    with django_assert_max_num_queries(4 + 2 * len(roots) + 3) as captured:
        perform(claim(Timer, 20))

    assert [count(row.key) for row in rows] == [1] * 10
    assert set(Timer.objects.values_list("attempts", flat=True)) == {1}
    assert not Timer.objects.open().exists()
    assert begun(captured) == 1


def test_does_several_rows_of_one_record_in_order(roots) -> None:
    seen = []

    @timer("test.batch_order")
    def see(due: Timer, root: User) -> None:
        seen.append(due.key)

    now = clock.now()
    for place in range(5):
        schedule("test.batch_order", roots[0], now - place * SECOND, key=str(place))

    perform(claim(Timer, 20))

    assert seen == ["4", "3", "2", "1", "0"]


def test_harms_no_neighbour_of_a_bad_row_among_a_hundred(db) -> None:
    roots = [make.user() for _ in range(100)]
    rows = promise("test.bump", roots[:60]) + promise("test.bump", roots[61:])
    [bad] = promise("test.fail", [roots[60]])

    perform(claim(Timer, 100))

    assert [count(row.key) for row in rows] == [1] * 99
    bad.refresh_from_db()
    assert (bad.done_at, bad.attempts, bad.token) == (None, 1, None)
    assert bad.last_error == "RuntimeError: it never works"
    assert bad.next_at > clock.now() + 3 * SECOND
    assert count(bad.key) == 0


def test_leaves_out_what_a_neighbour_takes_back(roots) -> None:
    @timer("test.batch_cancel")
    def take_back(due: Timer, root: User) -> None:
        cancel("test.bump", roots[1])

    promise("test.batch_cancel", roots[:1])
    [taken, kept] = promise("test.bump", roots[1:3])

    perform(claim(Timer, 20))

    assert (count(taken.key), count(kept.key)) == (0, 1)
    assert not Timer.objects.open().exists()


def test_leaves_for_later_what_a_neighbour_puts_off(roots) -> None:
    @timer("test.batch_put_off")
    def put_off(due: Timer, root: User) -> None:
        schedule("test.bump", roots[1], clock.now() + 60 * SECOND, key=f"test.bump {roots[1].pk}")

    promise("test.batch_put_off", roots[:1])
    [moved] = promise("test.bump", roots[1:2])

    perform(claim(Timer, 20))

    assert count(moved.key) == 0
    assert Timer.objects.open().get().due_at > clock.now() + 50 * SECOND


def test_reads_each_record_after_what_the_neighbours_did(roots) -> None:
    seen = {}

    @timer("test.batch_rename")
    def rename_the_next(due: Timer, root: User) -> None:
        seen[root.pk] = root.name
        following = User.objects.filter(pk__gt=root.pk).order_by("pk").first()
        if following is not None:
            following.name = f"after {root.pk}"
            following.save_as(make.system(), "name")

    promise("test.batch_rename", roots[:3])

    perform(claim(Timer, 20))

    first, second, third = (root.pk for root in roots[:3])
    assert seen[second] == f"after {first}"
    assert seen[third] == f"after {second}"


def test_leaves_alone_what_another_worker_has_taken_over(roots) -> None:
    rows = promise("test.bump", roots)
    leases = claim(Timer, 20)
    theirs = lease_one(rows[4])

    perform(leases)

    assert [count(row.key) for row in rows] == [1] * 4 + [0] + [1] * 5
    perform([theirs])
    assert count(rows[4].key) == 1


def test_lets_a_record_that_is_gone_spoil_nothing(roots) -> None:
    rows = promise("test.bump", roots)
    Timer.objects.filter(pk=rows[0].pk).update(root_id=-1)

    perform(claim(Timer, 20))

    assert [count(row.key) for row in rows] == [0] + [1] * 9
    assert not Timer.objects.open().exists()


def test_parks_and_buries_as_it_does_alone(roots) -> None:
    [unknown] = promise("test.batch_unknown", roots[:1])
    [poison, fine] = promise("test.bump", roots[1:3])
    Timer.objects.filter(pk=poison.pk).update(attempts=5)

    perform(claim(Timer, 20))

    assert set(Timer.objects.dead()) == {unknown, poison}
    assert (count(poison.key), count(fine.key)) == (0, 1)


def test_stops_when_told_and_leaves_the_rest_to_be_given_back(roots) -> None:
    rows = promise("test.bump", roots)
    leases = claim(Timer, 20)

    perform_all(QUEUE, leases, lambda: True)

    assert [lease.pk for lease in leases] == [row.pk for row in rows]
    assert Timer.objects.open().count() == 10


def test_hands_many_to_a_kind_that_takes_many(roots) -> None:
    seen: list[list[int]] = []

    def many(due) -> None:
        assert all(row.root_id == root.pk for row, root in due)
        seen.append([root.pk for _, root in due])

    @timer("test.batch_many", many=many)
    def one(due: Timer, root: User) -> None:
        bump(f"alone {root.pk}")

    promise("test.batch_many", roots)
    schedule("test.batch_many", roots[0], clock.now(), key="the same record again")

    perform(claim(Timer, 20))

    assert [len(call) for call in seen] == [10]
    assert count(f"alone {roots[0].pk}") == 1  # what was left was one
    assert not Timer.objects.open().exists()


def test_does_them_one_by_one_when_many_at_once_fail(roots) -> None:
    def many(due) -> None:
        bump("at once")
        raise RuntimeError("one of them is bad")

    @timer("test.batch_spoilt", many=many)
    def one(due: Timer, root: User) -> None:
        bump(f"alone {root.pk}")

    promise("test.batch_spoilt", roots)

    perform(claim(Timer, 20))

    assert [count(f"alone {root.pk}") for root in roots] == [1] * 10
    assert count("at once") == 0
    assert not Timer.objects.open().exists()


@pytest.mark.parametrize("number", [1, 10])
def test_does_not_count_a_lock_of_somebody_else_as_a_failure(fresh_db, number: int) -> None:
    roots = [make.user() for _ in range(number)]
    rows = promise("test.bump", roots)
    Timer.objects.update(due_at=clock.now())

    with locked(roots[0]):
        perform(claim(Timer, 20))
        rows[0].refresh_from_db()
        waits = (rows[0].next_at - clock.now()).total_seconds()
        assert [count(row.key) for row in rows] == [0] + [1] * (number - 1)
        assert (rows[0].attempts, rows[0].last_error, rows[0].token) == (0, BUSY, None)
        assert waits <= 1

    Timer.objects.open().update(next_at=clock.now())
    perform(claim(Timer, 20))
    rows[0].refresh_from_db()
    assert (count(rows[0].key), rows[0].attempts, rows[0].last_error) == (1, 1, "")


def test_never_gives_up_a_row_whose_record_stays_locked(fresh_db) -> None:
    root = make.user()
    [row] = promise("test.fail", [root])  # it has three attempts

    with locked(root):
        for _ in range(6):
            Timer.objects.update(next_at=clock.now())
            perform(claim(Timer, 20))

    row.refresh_from_db()
    assert (row.attempts, row.dead_at, row.last_error) == (0, None, BUSY)


def test_puts_all_back_when_all_records_are_locked(fresh_db) -> None:
    roots = [make.user() for _ in range(3)]
    rows = promise("test.bump", roots)
    began = clock.now()

    with locked(roots[0]), locked(roots[1]), locked(roots[2]):
        perform(claim(Timer, 20))

    assert set(Timer.objects.values_list("last_error", "attempts")) == {(BUSY, 0)}
    assert (clock.now() - began).total_seconds() < 5  # one of them is waited for, not each
    Timer.objects.update(next_at=clock.now())
    perform(claim(Timer, 20))
    assert [count(row.key) for row in rows] == [1] * 3


def test_does_each_once_in_two_threads_on_the_same_records(fresh_db) -> None:
    roots = [make.user() for _ in range(4)]
    now = clock.now()
    keys = [f"key {number}" for number in range(120)]
    for number, key in enumerate(keys):
        schedule("test.bump", roots[number % 4], now - SECOND, key=key)

    def work() -> None:
        while Timer.objects.open().exists():
            perform(claim(Timer, 20))
        connections.close_all()

    together([work, work, work])

    assert [count(key) for key in keys] == [1] * 120
    assert set(Timer.objects.values_list("attempts", "last_error")) == {(1, "")}


def test_claims_by_the_index_however_many_wait(db) -> None:
    root = User.objects.system()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO config_timer"
            " (kind, key, root_type, root_id, due_at, next_at, attempts, last_error, data)"
            " SELECT 'test.bump', n, 'config.user', %s, due, due, 0, '', '{}' FROM"
            " (SELECT n, now() + n * interval '1 minute' AS due"
            " FROM generate_series(1, 20000) n) wanted",
            [root.pk],
        )
        cursor.execute(f"EXPLAIN {_statement(CLAIM, Timer, 'TRUE')}", [20, 60])
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Index Scan using timer_open" in plan
    assert "Seq Scan" not in plan
    assert "Sort" not in plan
