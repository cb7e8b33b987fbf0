"""When a version begins to hold: at once, at a time, in an emergency; and the guards before it."""

import datetime

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from config import clock
from config.due.models import Timer
from config.due.worker import run_due
from config.errors import Blocked, Blocker, FourEyes, Invalid, Refused
from config.events import operations as events
from config.events.models import Event
from config.governance.activation import (
    activate,
    activate_in_emergency,
    awaits_review,
    review_emergency,
)
from config.governance.in_force import setting
from config.governance.models import Approval, SettingVersion, VersionState
from config.governance.operations import (
    approve,
    send_back,
    submit,
)
from tests.config import make
from tests.config.governance.conftest import KEY

HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def approved(draft, author, approvers):
    submit(draft, actor=author)
    return approve(draft, actor=approvers[0], content_hash=draft.content_hash)


@pytest.fixture
def refusing(monkeypatch):
    """A room refuses every activation of a setting."""
    blocker = Blocker("not_now", "Wait for the freeze to end.")
    monkeypatch.setitem(events._guards, "policy.activate:setting", [lambda version: [blocker]])


def kinds(version):
    rows = Event.objects.filter(subject_type="config.settingversion", subject_id=version.pk)
    return list(rows.order_by("id").values_list("kind", flat=True))


@pytest.mark.django_db
def test_activates_at_the_promised_time(approved, author, seeded):
    at = clock.now() + HOUR
    activate(approved, actor=author, at=at)

    run_due(at - datetime.timedelta(seconds=1))
    assert SettingVersion.objects.get(pk=approved.pk).state == VersionState.APPROVED
    run_due(at)

    stored = SettingVersion.objects.get(pk=approved.pk)
    assert stored.state == VersionState.ACTIVE
    assert stored.in_force.lower == at
    assert SettingVersion.objects.get(pk=seeded.pk).in_force.upper == at
    assert setting(KEY, at=at) == 9
    event = Event.objects.get(kind="policy.activated", subject_id=approved.pk)
    assert (event.data["mode"], event.actor) == ("timed", make.system())


@pytest.mark.django_db
def test_moves_a_promise(approved, author):
    activate(approved, actor=author, at=clock.now() + HOUR)
    activate(approved, actor=author, at=clock.now() + 2 * HOUR)

    timers = Timer.objects.filter(kind="governance.activate", done_at=None)
    assert timers.count() == 1
    run_due(clock.now() + HOUR)
    assert SettingVersion.objects.get(pk=approved.pk).state == VersionState.APPROVED


@pytest.mark.django_db
def test_takes_a_promise_back_when_it_is_sent_back(approved, author, approvers):
    activate(approved, actor=author, at=clock.now() + HOUR)
    send_back(approved, actor=approvers[0], reason="Not yet")

    run_due(clock.now() + 2 * HOUR)

    assert SettingVersion.objects.get(pk=approved.pk).state == VersionState.DRAFT
    assert setting(KEY) == 7


@pytest.mark.django_db
def test_records_why_a_promise_was_not_kept(approved, author, monkeypatch):
    at = clock.now() + HOUR
    activate(approved, actor=author, at=at)
    blocker = Blocker("not_now", "Wait for the freeze to end.")
    monkeypatch.setitem(events._guards, "policy.activate:setting", [lambda version: [blocker]])

    run_due(at)

    stored = SettingVersion.objects.get(pk=approved.pk)
    assert (stored.state, stored.activates_at) == (VersionState.APPROVED, None)
    failure = Event.objects.get(kind="policy.activation_failed", subject_id=approved.pk)
    assert failure.data["code"] == "blocked"
    assert failure.data["blockers"][0]["code"] == "not_now"
    assert setting(KEY, at=at) == 7
    assert Timer.objects.get(kind="governance.activate").dead_at is None


@pytest.mark.django_db
def test_refuses_a_time_in_the_past(approved, author):
    with pytest.raises(Invalid) as refusal:
        activate(approved, actor=author, at=clock.now() - HOUR)

    assert refusal.value.field == "at"


@pytest.mark.django_db
def test_refuses_what_a_guard_blocks(approved, author, refusing):
    with pytest.raises(Blocked) as refusal:
        activate(approved, actor=author)

    assert refusal.value.extra["blockers"] == [
        {"code": "not_now", "text": "Wait for the freeze to end.", "link": ""}
    ]
    assert setting(KEY) == 7


@pytest.mark.django_db
def test_activates_in_an_emergency_and_asks_for_a_review(draft, author, approvers):
    activate_in_emergency(draft, actor=author, reason="Storm")

    assert setting(KEY) == 9
    assert awaits_review(draft)
    timer = Timer.objects.get(kind="governance.emergency_review")
    assert datetime.timedelta(hours=23) < timer.due_at - clock.now() <= 24 * HOUR
    with pytest.raises(FourEyes):
        review_emergency(draft, actor=author, comment="Fine")
    review_emergency(draft, actor=approvers[0], comment="Right for the storm")

    assert not awaits_review(draft)
    assert Approval.objects.get(version_id=draft.pk).decision == "reviewed"
    run_due(clock.now() + 25 * HOUR)
    assert "policy.emergency_review_overdue" not in kinds(draft)


@pytest.mark.django_db
def test_says_when_an_emergency_was_not_reviewed(draft, author):
    activate_in_emergency(draft, actor=author, reason="Storm")

    run_due(clock.now() + 24 * HOUR)

    assert kinds(draft)[-1] == "policy.emergency_review_overdue"


@pytest.mark.django_db
def test_refuses_a_review_where_nothing_waits(seeded, approver):
    with pytest.raises(Refused):
        review_emergency(seeded, actor=approver, comment="Fine")


@pytest.mark.django_db
def test_keeps_two_versions_from_holding_at_once(seeded, draft):
    with (
        pytest.raises(IntegrityError, match="version_one_in_force"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "UPDATE config_policyversion SET state = 'active', in_force = %s WHERE id = %s",
            [DateTimeTZRange(clock.now(), None), draft.pk],
        )
