"""Rows that are inserted by a statement whose text is kept: the same that Django would make."""

import datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.test import override_settings

from config import clock, origin
from config.audit.models import LedgerEntry, PurgeBatch
from config.audit.sealing import seal
from config.audit.tracking import UntrackedWrite, append
from config.audit.verify import verify
from config.events.models import Event, EventDelivery
from config.organisation.models import User
from tests.config.audit import make

pytestmark = pytest.mark.django_db
AT = datetime.datetime(2026, 3, 2, 9, 0, tzinfo=datetime.UTC)


def event(**fields: Any) -> Event:
    fields = {"origin": "system", "at": AT, **fields}
    return Event(kind="audit.tested", subject_type="", actor=make.system(), **fields)


def delivery(of: Event, handler: str) -> EventDelivery:
    return EventDelivery(event=of, handler=handler, due_at=AT, next_at=AT)


def stored(row: Any) -> Any:
    return type(row).objects.get(pk=row.pk)


def fields_of(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_hold_what_is_stored(django_assert_num_queries: Any) -> None:
    row = event(recorded_at=AT, reason="it's 100 % \u2713", data={"list": [1, None], "x": "%s"})

    with django_assert_num_queries(1):
        row.save()

    assert (row._state.adding, row._state.db) == (False, "default")
    assert fields_of(stored(row)) == fields_of(row)


def test_are_given_the_databases_own_defaults() -> None:
    given, left, asked = event(recorded_at=AT), event(), event(recorded_at=Now())
    for row in (given, left, asked):
        row.save()

    assert stored(given).recorded_at == AT
    assert stored(left).recorded_at == left.recorded_at > AT
    assert stored(asked).recorded_at > AT


def test_go_in_together(django_assert_num_queries: Any) -> None:
    row = event()
    deliveries = [delivery(row, "one"), delivery(row, "two")]

    with django_assert_num_queries(1):
        append(row, *deliveries)

    assert [each.event_id for each in deliveries] == [row.pk, row.pk]
    for each in (row, *deliveries):
        assert fields_of(stored(each)) == fields_of(each)
    assert LedgerEntry.objects.filter(table_name="config_event", row_key=str(row.pk)).exists()


def test_are_refused_together() -> None:
    before = Event.objects.count()
    row = event()

    with pytest.raises(IntegrityError), transaction.atomic():
        append(row, delivery(row, "twice"), delivery(row, "twice"))

    assert Event.objects.count() == before


def test_spoil_the_transaction_where_they_fail() -> None:
    with transaction.atomic():
        with pytest.raises(IntegrityError):
            append(event(origin="nowhere"))
        assert connection.needs_rollback
        transaction.set_rollback(True)


def test_are_new_and_not_tracked() -> None:
    with pytest.raises(UntrackedWrite, match="save_as"):
        append(User(username="eve", name="Eve"))
    with pytest.raises(UntrackedWrite, match="is stored already"):
        append(make.event())


def test_are_in_history_as_the_library_would_write_them() -> None:
    alice, bob = make.person("alice"), make.person("bob")
    with clock.simulated(AT), origin.acting(origin.Origin.API):
        alice.name = "Alice A."
        alice.save_as(bob, "name", reason="married")

    joined, row = alice.history.order_by("history_id")
    assert (row.history_type, row.history_user, row.history_date) == ("~", bob, AT)
    assert (row.history_change_reason, row.origin) == ("married", "api")
    assert row.instance == alice
    tracked = [field.attname for field in row.tracked_fields]
    assert {name: getattr(row, name) for name in tracked} == {
        name: getattr(stored(alice), name) for name in tracked
    }
    assert "password" not in tracked
    (change,) = row.diff_against(joined, excluded_fields=["revision"]).changes
    assert (change.field, change.old, change.new) == ("name", "alice", "Alice A.")


def test_are_not_in_history_while_that_is_off() -> None:
    with override_settings(SIMPLE_HISTORY_ENABLED=False):
        assert not make.person().history.exists()


def test_hold_when_the_log_is_verified(log_files: Any) -> None:
    append(event(), event())
    batch = PurgeBatch(
        reason="r", legal_basis="l", scope={"a": ["1"]}, requested_by=make.system(),
        approved_by=make.person(),
    )  # fmt: skip
    batch.save()
    seal()

    assert verify().first_broken is None
    assert LedgerEntry.objects.filter(table_name="audit_purge_batch").count() == 1
