"""What the database itself refuses and records, whoever is connected."""

from typing import Any

import psycopg
import pytest
from django.db import connections, transaction
from psycopg import errors

from config.audit import install, tables, triggers
from config.audit.models import ColumnSet, GrantChange, LedgerEntry, Unsealed
from config.audit.sealing import seal
from config.audit.verify import verify
from tests.config.audit import make
from tests.config.audit.conftest import Superuser

EVIDENCE = (
    "config_event",
    "config_historicaluser",
    "audit_ledger",
    "audit_salt",
    "audit_leaf",
    "audit_checkpoint",
    "audit_column_set",
    "audit_origin",
    "audit_grant_change",
)
FLOATS = {"real", "double precision", "money"}


@pytest.fixture
def owner(fresh_db: Any, log_files: Any) -> Any:
    with connections["owner"].cursor() as cursor:
        yield cursor


@pytest.mark.check("CMP-04.2")
@pytest.mark.parametrize(
    "verb", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0} CASCADE"]
)
def test_refuses_to_change_evidence_even_for_the_owner(
    fresh_db: Any, log_files: Any, verb: str
) -> None:
    make.person()
    make.event()
    with psycopg.connect(fresh_db.owner_url, autocommit=True) as owner:
        seal()
        for table in EVIDENCE[:-1]:
            key = owner.execute(
                "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid"
                " AND a.attnum = i.indkey[0] WHERE i.indrelid = %s::regclass AND i.indisprimary",
                [table],
            ).fetchone()
            assert key
            count = owner.execute(f"SELECT count(*) FROM {table}").fetchone()
            assert count != (0,), table

            with pytest.raises(errors.RestrictViolation, match="its rows are evidence"):
                owner.execute(verb.format(table, f'"{key[0]}"'))

            assert owner.execute(f"SELECT count(*) FROM {table}").fetchone() == count


@pytest.mark.check("CMP-04.2")
def test_gives_the_runtime_role_no_right_to_change_evidence(fresh_db: Any, log_files: Any) -> None:
    make.event()
    seal()
    forbidden = [f"{verb} {table}" for table in EVIDENCE for verb in ("DELETE FROM", "TRUNCATE")]
    forbidden += [
        "UPDATE config_event SET reason = ''",
        "INSERT INTO audit_ledger (table_name, row_key, column_set, hash) VALUES ('x', '1', 1, '')",
        "INSERT INTO audit_salt VALUES (1, '')",
        "INSERT INTO audit_unsealed VALUES (1)",
        "ALTER TABLE config_event DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_append ON config_event",
        "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS ''",
        "CREATE TABLE mine (id bigint)",
        "CREATE TEMP TABLE mine (id bigint); CREATE TRIGGER forge AFTER INSERT ON mine"
        " REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION"
        " audit_append('1', 'id', 'id')",
        "DELETE FROM django_migrations",
    ]
    with psycopg.connect(fresh_db.runtime_url, autocommit=True) as runtime:
        for statement in forbidden:
            with pytest.raises((errors.InsufficientPrivilege, errors.RestrictViolation)):
                runtime.execute(statement)

    assert verify().ok


def test_guards_every_table_of_evidence(owner: Any) -> None:
    found = triggers.installed(owner)
    evidence = tables.tables(owner, tables.ledgered_tables())

    assert sorted(evidence) == tables.ledgered_tables()
    wanted = [*triggers.refusing(evidence), *triggers.recording()]
    assert [each.place for each in wanted if not found[each.place].is_like(each)] == []
    appending = {table for (table, name) in found if name == "audit_append"}
    assert appending == set(evidence)


def test_hashes_every_column_and_no_float(owner: Any) -> None:
    found = triggers.installed(owner)
    for name, table in tables.tables(owner, tables.ledgered_tables()).items():
        assert sorted(found[name, "audit_append"].arguments[2:]) == sorted(table.columns)
    owner.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_name = ANY(%s::text[])",
        [tables.ledgered_tables()],
    )
    assert [row for row in owner.fetchall() if row[2] in FLOATS] == []


def test_enters_each_row_of_a_statement(owner: Any) -> None:
    with transaction.atomic(using="owner"):
        owner.execute(
            "INSERT INTO audit_origin (name, previous_note, began_at_size)"
            " SELECT 'log/' || n, '', 0 FROM generate_series(1, 3) n RETURNING id"
        )
        made = [str(row_id) for (row_id,) in owner.fetchall()]

    entries = LedgerEntry.objects.filter(table_name="audit_origin").order_by("seq")
    assert [entry.row_key for entry in entries] == made
    assert Unsealed.objects.count() == 3


def test_is_not_swayed_by_the_session(fresh_db: Any, log_files: Any) -> None:
    with psycopg.connect(fresh_db.runtime_url, autocommit=True) as odd:
        odd.execute("SET timezone = 'Asia/Kolkata'; SET datestyle = 'SQL, DMY'")
        odd.execute("SET intervalstyle = 'iso_8601'; SET bytea_output = 'escape'")
        odd.execute("SET search_path = pg_temp, public")
        odd.execute("CREATE TEMP TABLE audit_ledger (LIKE public.audit_ledger)")
        odd.execute(
            "INSERT INTO config_event"
            " (kind, subject_type, subject_name, actor_id, origin, at, reason, data)"
            " SELECT 'audit.tested', '', '', id, 'system', now(), E'ä\\n\"',"
            ' \'{"b": 1.50, "a": null}\' FROM config_user LIMIT 1'
        )
    seal()

    assert verify().as_dict()["entries"] == 2
    assert verify().ok


def test_does_nothing_the_second_time(owner: Any) -> None:
    owner.execute("SELECT xmin::text, oid FROM pg_trigger WHERE tgname LIKE 'audit%' ORDER BY oid")
    before = owner.fetchall()
    sets = ColumnSet.objects.count()

    install.install("owner")

    owner.execute("SELECT xmin::text, oid FROM pg_trigger WHERE tgname LIKE 'audit%' ORDER BY oid")
    assert owner.fetchall() == before
    assert ColumnSet.objects.count() == sets


def test_leaves_old_hashes_alone_when_a_migration_adds_a_column(owner: Any) -> None:
    make.events(2)
    seal()

    owner.execute("ALTER TABLE config_event ADD COLUMN added text NOT NULL DEFAULT 'new'")
    make.event()  # while the old trigger still stands
    install.install("owner")
    make.event()
    seal()

    numbers = LedgerEntry.objects.filter(table_name="config_event").order_by("seq")
    assert list(numbers.values_list("column_set", flat=True)) == [1, 1, 1, 2]
    assert "added" in ColumnSet.objects.get(table_name="config_event", number=2).columns
    assert verify().ok


def test_covers_the_new_column(owner: Any, vandal: Superuser) -> None:
    owner.execute("ALTER TABLE config_event ADD COLUMN added text NOT NULL DEFAULT 'new'")
    install.install("owner")
    make.event()
    seal()

    vandal.execute("UPDATE config_event SET added = 'other'")

    report = verify()
    assert report.first_broken
    assert report.first_broken.kind == "row_altered"


def test_enters_what_a_table_held_before_once(owner: Any, vandal: Superuser) -> None:
    row = make.event()
    vandal.execute("TRUNCATE audit_ledger, audit_salt, audit_unsealed")
    vandal.execute("DELETE FROM audit_column_set WHERE table_name = 'config_event'")

    install.install("owner")

    assert LedgerEntry.objects.get().row_key == str(row.pk)
    seal()
    assert verify().ok
    vandal.execute("DELETE FROM audit_ledger WHERE table_name = 'config_event'")
    install.install("owner")
    assert not LedgerEntry.objects.filter(table_name="config_event").exists()


def test_puts_back_what_was_disabled(owner: Any) -> None:
    owner.execute("ALTER TABLE config_event DISABLE TRIGGER audit_append")

    install.install("owner")

    make.event()
    assert LedgerEntry.objects.filter(table_name="config_event").count() == 1


def test_records_every_change_of_object_permissions(owner: Any, vandal: Superuser) -> None:
    owner.execute(
        "INSERT INTO guardian_userobjectpermission"
        " (object_pk, content_type_id, permission_id, user_id)"
        " SELECT '7', p.content_type_id, p.id, u.id FROM auth_permission p, config_user u LIMIT 1"
    )
    owner.execute("UPDATE guardian_userobjectpermission SET object_pk = '8'")
    owner.execute("DELETE FROM guardian_userobjectpermission")
    owner.execute("TRUNCATE guardian_userobjectpermission")

    changes = list(GrantChange.objects.order_by("pk"))
    assert [each.op for each in changes] == ["INSERT", "UPDATE", "DELETE", "TRUNCATE"]
    assert changes[0].row["object_pk"] == "7"
    assert [changes[1].row[side]["object_pk"] for side in ("old", "new")] == ["7", "8"]
    assert LedgerEntry.objects.filter(table_name="audit_grant_change").count() == 4
    seal()
    vandal.execute("DELETE FROM audit_grant_change WHERE op = 'DELETE'")
    report = verify()
    assert report.first_broken
    assert report.first_broken.kind == "row_removed"
    assert report.first_broken.table == "audit_grant_change"


def test_calls_other_rooms_with_the_owners_rights(
    owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    monkeypatch.setattr(install, "_hooks", [])

    @install.register_sql
    def hook(cursor: Any) -> None:
        cursor.execute("SELECT current_user")
        called.append(cursor.fetchone()[0])

    install.register_sql(hook)
    install.install("owner")

    owner.execute("SELECT current_user")
    assert called == [owner.fetchone()[0]]
