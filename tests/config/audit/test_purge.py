"""An approved purge removes rows and salts, leaves tombstones, and the log stays whole."""

from typing import Any

import pytest
from django.db import connection, connections
from django.db.utils import IntegrityError
from psycopg import errors

from config.audit.models import LedgerEntry, PurgeBatch, Salt, Tombstone
from config.audit.sealing import seal
from config.audit.verify import verify
from config.events.models import Event
from tests.config.audit import make
from tests.config.audit.conftest import Superuser


def batch(*rows: Event, **fields: Any) -> PurgeBatch:
    fields = {"requested_by": make.person(), "approved_by": make.person(), **fields}
    return PurgeBatch.objects.create(
        reason="retention",
        legal_basis="policy retention.events",
        scope={"config_event": [str(row.pk) for row in rows]},
        **fields,
    )


def purge(number: int, *rows: Event, table: str = "config_event") -> int:
    with connection.cursor() as cursor:
        keys = [str(row.pk) for row in rows]
        cursor.execute("SELECT audit_purge(%s, %s, %s::text[])", [number, table, keys])
        return int(cursor.fetchone()[0])


def test_removes_what_the_batch_names_and_keeps_the_log_whole(vandal: Superuser) -> None:
    rows = make.events(4)
    seal()
    approved = batch(*rows[1:3])

    assert purge(approved.pk, *rows[1:3]) == 2

    assert list(Event.objects.values_list("pk", flat=True)) == [rows[0].pk, rows[3].pk]
    gone = LedgerEntry.objects.filter(
        table_name="config_event", row_key__in=[str(row.pk) for row in rows[1:3]]
    )
    assert not Salt.objects.filter(seq__in=gone.values("seq")).exists()
    assert [each.seq for each in Tombstone.objects.order_by("seq")] == [entry.seq for entry in gone]
    assert {each.batch_id for each in Tombstone.objects.all()} == {approved.pk}
    seal()
    assert verify().ok
    assert purge(approved.pk, *rows[1:3]) == 0


def test_does_not_excuse_a_row_with_a_forged_tombstone(vandal: Superuser) -> None:
    row = make.events(2)[0]
    seal()
    entry = LedgerEntry.objects.get(table_name="config_event", row_key=str(row.pk))
    vandal.execute("DELETE FROM config_event WHERE id = %s", [row.pk])
    vandal.execute(
        "INSERT INTO audit_tombstone (batch_id, table_name, row_key, seq)"
        " VALUES (1, 'config_event', %s, %s)",
        [str(row.pk), entry.seq],
    )

    report = verify()

    assert report.first_broken
    assert (report.first_broken.kind, report.first_broken.seq) == ("row_removed", entry.seq)


def test_finds_a_purged_row_that_is_there_again(vandal: Superuser) -> None:
    row = make.events(2)[0]
    vandal.execute("CREATE TABLE kept AS SELECT * FROM config_event WHERE id = %s", [row.pk])
    purge(batch(row).pk, row)
    seal()
    vandal.execute("INSERT INTO config_event SELECT * FROM kept")

    report = verify()

    assert report.first_broken
    assert (report.first_broken.kind, report.first_broken.key) == ("row_inserted", str(row.pk))


def test_refuses_what_no_batch_allows(vandal: Superuser) -> None:
    rows = make.events(2)
    approved = batch(rows[0])

    for arguments in (
        (approved.pk + 1, rows[0]),
        (approved.pk, rows[1]),
        (approved.pk, rows[0], rows[1]),
    ):
        with pytest.raises(IntegrityError) as refusal:
            purge(*arguments)
        assert isinstance(refusal.value.__cause__, errors.RestrictViolation)
    with pytest.raises(IntegrityError, match="does not name"):
        purge(approved.pk, rows[0], table="audit_ledger")

    assert Event.objects.count() == 2
    assert Tombstone.objects.count() == 0


@pytest.mark.parametrize(
    "table", ["audit_purge_batch", "audit_tombstone", "config_user", "audit_ledger"]
)
def test_refuses_tables_that_are_not_to_be_purged(vandal: Superuser, table: str) -> None:
    approved = PurgeBatch.objects.create(
        reason="x",
        legal_basis="x",
        scope={table: ["1"]},
        requested_by=make.person(),
        approved_by=make.person(),
    )

    with (
        pytest.raises(IntegrityError, match="no table of evidence"),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT audit_purge(%s, %s, '{1}')", [approved.pk, table])


def test_needs_two_people(vandal: Superuser) -> None:
    alice = make.person("alice")

    with pytest.raises(IntegrityError, match="audit_purge_batch_four_eyes"):
        batch(requested_by=alice, approved_by=alice)


def test_runs_as_a_role_that_nobody_logs_in_as(fresh_db: Any) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT r.rolname, r.rolcanlogin FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner"
            " WHERE p.proname = 'audit_purge'"
        )
        assert cursor.fetchone() == ("watchbill_purge", False)


def test_deletes_nothing_outside_the_function(fresh_db: Any, log_files: Any) -> None:
    make.event()
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET watchbill.purge_batch = '1'")
        with pytest.raises(IntegrityError, match="its rows are evidence"):
            cursor.execute("DELETE FROM config_event")
        cursor.execute("SET ROLE watchbill_purge")
        cursor.execute("RESET watchbill.purge_batch")
        with pytest.raises(IntegrityError, match="its rows are evidence"):
            cursor.execute("DELETE FROM config_event")
        cursor.execute("RESET ROLE")
