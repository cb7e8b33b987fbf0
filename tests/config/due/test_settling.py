"""Messages that were sent at the same time are written down together, and none for another."""

from dataclasses import replace
from typing import Any

from config import clock
from config.due.answers import refused, sent
from config.due.leases import lease_one
from config.due.models import Attempt, AttemptOutcome, Channel, OutboundMessage
from config.due.operations import send_later
from config.due.settling import Answered, _settle_together, settle
from config.organisation.models import User
from tests.config import make
from tests.config.due.effects import ORDINARY, count
from tests.config.due.meanwhile import locked


def taken(root: User | None = None, **data: Any) -> Answered:
    """A message about somebody of its own that its provider has just taken."""
    message = send_later(
        "test.message",
        root or make.user(),
        channel=Channel.WEBHOOK,
        address="http://a.test/",
        **data,
    )
    lease = lease_one(message)
    return Answered(lease.row, lease, ORDINARY, sent("HTTP 200 ok"), clock.now())


def stored(answered: Answered) -> tuple[str, bool, list[str], int]:
    """How it ended, whether it is done, its attempts, and how often its purpose was told."""
    row = OutboundMessage.objects.get(pk=answered.message.pk)
    tries = list(row.tries.values_list("outcome", flat=True))
    return row.outcome, row.done_at is not None, tries, count(f"sent {row.pk}")


SETTLED = ("sent", True, ["sent"], 1)


def test_writes_down_several_at_once(db: None, django_assert_max_num_queries) -> None:
    several = [taken() for _ in range(8)]

    with django_assert_max_num_queries(6 + 8):  # telling the purpose costs one for each
        assert _settle_together(several) == [True] * 8

    assert [stored(each) for each in several] == [SETTLED] * 8


def test_tells_a_purpose_of_all_at_once_where_it_can_be_told_so(db: None) -> None:
    told: list[list[object]] = []
    purpose = replace(ORDINARY, sent_many=lambda rows: told.append([row.pk for row in rows]))
    several = [replace(taken(), registration=purpose) for _ in range(3)]

    _settle_together(several)

    assert told == [[each.message.pk for each in several]]
    assert [stored(each) for each in several] == [("sent", True, ["sent"], 0)] * 3


def test_keeps_nothing_where_one_of_them_fails(db: None) -> None:
    several = [taken(), taken(sent_fails=1), taken()]

    assert _settle_together(several) == [False] * 3
    assert [stored(each) for each in several] == [("", False, [], 0)] * 3

    for each in several:
        settle(each)
    assert [stored(each)[:2] for each in several] == [
        ("sent", True),
        ("sent", False),
        ("sent", True),
    ]
    assert Attempt.objects.count() == 3


def test_leaves_out_what_somebody_is_at_work_on(fresh_db: None) -> None:
    busy = make.user()
    several = [taken(), taken(busy), taken()]

    with locked(busy):
        assert _settle_together(several) == [True, False, True]
        assert stored(several[1]) == ("", False, [], 0)

    settle(several[1])
    assert [stored(each) for each in several] == [SETTLED] * 3


def test_builds_nothing_on_a_lease_that_was_lost(db: None) -> None:
    lost, other = taken(), taken()
    OutboundMessage.objects.filter(pk=lost.message.pk).update(token=None)

    assert _settle_together([lost, other]) == [True, True]

    assert stored(lost) == ("", False, ["sent"], 0)
    assert stored(other) == SETTLED


def test_leaves_alone_what_is_about_code_that_is_gone(db: None) -> None:
    gone, other = taken(), taken()
    gone.message.root_type = "config.nothing"

    assert _settle_together([gone, other]) == [False, True]


def test_asks_nothing_of_others_where_it_was_refused(db: None) -> None:
    answered = replace(taken(), answer=refused("HTTP 410"))

    settle(answered)

    assert stored(answered)[0] == AttemptOutcome.REFUSED
    assert count(f"failed {answered.message.pk}") == 1


def test_follows_up_once_what_was_answered_before(db: None) -> None:
    answered = taken()
    answered.message.outcome = AttemptOutcome.SENT

    assert _settle_together([answered]) == [True]

    assert stored(answered) == ("sent", True, [], 1)
