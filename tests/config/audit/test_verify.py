"""audit_verify: what it finds, and what it calls it."""

import io
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from config.audit import install
from config.audit.models import Checkpoint, Leaf, LedgerEntry
from config.audit.sealing import seal
from config.audit.verify import CouldNotCheck, verify
from tests.config.audit import make
from tests.config.audit.conftest import Superuser


def found(**expected: Any) -> None:
    """Assert what verification names first."""
    report = verify()
    assert report.first_broken is not None
    actual = report.first_broken.as_dict()
    assert {name: actual[name] for name in expected} == expected, actual
    assert not report.ok


def entry_of(row: Any) -> LedgerEntry:
    return LedgerEntry.objects.get(table_name=row._meta.db_table, row_key=str(row.pk))


def sealed_events(count: int = 6) -> list[Any]:
    made = make.events(count)
    seal()
    return made


def run(*args: str) -> tuple[int, str]:
    output = io.StringIO()
    try:
        call_command("audit_verify", *args, stdout=output, stderr=output)
    except SystemExit as end:
        return int(end.code or 0), output.getvalue()
    return 0, output.getvalue()


def test_is_content_with_intact_data(vandal: Superuser) -> None:
    person = make.person()
    person.name = "Another"
    person.save_as(make.system(), "name", reason="married")
    sealed_events()
    make.event()

    report = verify()

    assert report.as_dict() == {
        "ok": True,
        "entries": 10,
        "leaves": 9,
        "checkpoints": 1,
        "first_broken": None,
        "origin": report.origin,
        "root": Checkpoint.objects.get().root.hex(),
        "problems": [],
        "warnings": [],
    }


@pytest.mark.check("CMP-04.1")
def test_names_an_altered_row(vandal: Superuser) -> None:
    rows = sealed_events()

    vandal.execute("UPDATE config_event SET reason = 'x' WHERE id = %s", [rows[2].pk])

    entry = entry_of(rows[2])
    leaf = Leaf.objects.get(seq=entry.seq).index
    key = str(rows[2].pk)
    found(kind="row_altered", table="config_event", key=key, seq=entry.seq, leaf=leaf)
    code, text = run("--json")
    assert code == 1
    assert json.loads(text)["first_broken"]["key"] == key


@pytest.mark.check("CMP-04.1")
def test_names_a_removed_row(vandal: Superuser) -> None:
    rows = sealed_events()

    vandal.execute("DELETE FROM config_event WHERE id = %s", [rows[2].pk])

    seq = entry_of(rows[2]).seq
    found(kind="row_removed", table="config_event", key=str(rows[2].pk), seq=seq)
    assert run()[0] == 1


@pytest.mark.check("CMP-04.1")
def test_names_an_inserted_row(vandal: Superuser) -> None:
    rows = sealed_events()

    vandal.execute(
        "INSERT INTO config_event SELECT"
        " (jsonb_populate_record(r, jsonb_build_object('id', r.id + 1000))).*"
        " FROM config_event r WHERE id = %s",
        [rows[2].pk],
    )

    key = str(rows[2].pk + 1000)
    found(kind="row_inserted", table="config_event", key=key, seq=None, leaf=None)
    assert run()[0] == 1


def test_names_an_altered_history_row(vandal: Superuser) -> None:
    person = make.person()
    seal()

    vandal.execute("UPDATE config_historicaluser SET history_change_reason = 'other'")

    found(kind="row_altered", table="config_historicaluser", key=str(person.history.get().pk))


def test_names_the_lowest_of_several(vandal: Superuser) -> None:
    rows = sealed_events()

    vandal.execute("DELETE FROM config_event WHERE id = %s", [rows[4].pk])
    vandal.execute("UPDATE config_event SET kind = 'x' WHERE id = %s", [rows[3].pk])

    found(kind="row_altered", key=str(rows[3].pk))


def test_names_an_altered_ledger_entry(vandal: Superuser) -> None:
    seq = entry_of(sealed_events()[2]).seq

    for change in (
        "hash = sha256(hash)",
        "at = at + interval '1 second'",
        "row_key = 'nonsense'",
        "table_name = 'config_team'",
        "column_set = 7",
    ):
        with make.made_good(vandal):
            vandal.execute(f"UPDATE audit_ledger SET {change} WHERE seq = %s", [seq])

            found(kind="ledger_altered", table="audit_ledger", key=str(seq), seq=seq)


def test_names_a_row_and_its_entry_rewritten_together(vandal: Superuser) -> None:
    row = sealed_events()[2]
    entry = entry_of(row)

    vandal.execute("UPDATE config_event SET reason = 'x' WHERE id = %s", [row.pk])
    vandal.execute(
        "UPDATE audit_ledger SET hash = sha256(s.salt || convert_to(to_jsonb(r)::text, 'UTF8'))"
        " FROM audit_salt s, config_event r WHERE s.seq = audit_ledger.seq AND r.id = %s"
        " AND audit_ledger.seq = %s",
        [row.pk, entry.seq],
    )

    found(kind="ledger_altered", table="audit_ledger", seq=entry.seq)


def test_names_row_entry_and_leaf_rewritten_together(vandal: Superuser) -> None:
    sealed_events(3)
    row = sealed_events(3)[1]
    seq = entry_of(row).seq

    vandal.execute("UPDATE audit_ledger SET at = at + interval '1 second' WHERE seq = %s", [seq])
    altered = LedgerEntry.objects.get(seq=seq)
    digest = _leaf_hash(altered)
    vandal.execute("UPDATE audit_leaf SET hash = %s WHERE seq = %s", [digest, seq])

    first = Checkpoint.objects.get(pk=1).size
    found(kind="ledger_altered", table="audit_leaf", key=str(first), leaf=first)


def _leaf_hash(entry: LedgerEntry) -> bytes:
    from config.audit.entries import COLUMNS, Entry  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS} FROM audit_ledger e WHERE seq = %s", [entry.seq])
        return Entry(*cursor.fetchone()).leaf_hash()


def test_names_a_deleted_ledger_entry(vandal: Superuser) -> None:
    seq = entry_of(sealed_events()[2]).seq
    leaf = Leaf.objects.get(seq=seq).index

    vandal.execute("DELETE FROM audit_ledger WHERE seq = %s", [seq])

    found(kind="ledger_altered", table="audit_ledger", key=str(seq), seq=seq, leaf=leaf)


def test_names_an_entry_deleted_with_its_row(vandal: Superuser) -> None:
    row = sealed_events()[2]
    seq = entry_of(row).seq

    vandal.execute("DELETE FROM config_event WHERE id = %s", [row.pk])
    vandal.execute("DELETE FROM audit_ledger WHERE seq = %s", [seq])
    vandal.execute("DELETE FROM audit_salt WHERE seq = %s", [seq])

    found(kind="ledger_altered", table="audit_ledger", key=str(seq), seq=seq)


def test_names_an_entry_that_lost_its_salt(vandal: Superuser) -> None:
    seq = entry_of(sealed_events()[2]).seq

    vandal.execute("DELETE FROM audit_salt WHERE seq = %s", [seq])

    found(kind="ledger_altered", table="audit_ledger", key=str(seq), seq=seq)


def test_names_an_entry_taken_out_of_the_queue(vandal: Superuser) -> None:
    sealed_events()
    seq = entry_of(make.event()).seq

    vandal.execute("DELETE FROM audit_unsealed")

    found(kind="ledger_altered", table="audit_ledger", key=str(seq), seq=seq, leaf=None)


def test_names_a_queued_entry_that_is_gone(vandal: Superuser) -> None:
    sealed_events()
    row = make.event()
    seq = entry_of(row).seq

    vandal.execute("DELETE FROM config_event WHERE id = %s", [row.pk])
    vandal.execute("DELETE FROM audit_ledger WHERE seq = %s", [seq])
    vandal.execute("DELETE FROM audit_salt WHERE seq = %s", [seq])

    found(kind="ledger_altered", table="audit_ledger", key=str(seq), seq=seq)


def test_names_a_leaf(vandal: Superuser) -> None:
    seq = entry_of(sealed_events(6)[2]).seq
    leaf = Leaf.objects.get(seq=seq).index

    for change in ("DELETE FROM audit_leaf", "UPDATE audit_leaf SET hash = sha256(hash)"):
        with make.made_good(vandal):
            vandal.execute(f"{change} WHERE seq = %s", [seq])

            found(kind="ledger_altered", table="audit_leaf", key=str(leaf), leaf=leaf, seq=seq)


CHECKPOINT_CHANGES = [
    "UPDATE audit_checkpoint SET root = sha256(root)",
    "UPDATE audit_checkpoint SET size = 1000",
    "UPDATE audit_checkpoint SET size = 1",
    "UPDATE audit_checkpoint SET note = replace(note, E'\\n\\n', E'x\\n\\n')",
    "UPDATE audit_checkpoint SET note = ''",
    "UPDATE audit_checkpoint SET origin = 'elsewhere'",
    "UPDATE audit_checkpoint SET key_id = '00000000'",
    "UPDATE audit_checkpoint SET frontier = array_append(frontier, root)",
    "UPDATE audit_checkpoint SET sealed_at = sealed_at - interval '1 day'",
    "DELETE FROM audit_checkpoint",
]


def test_names_a_checkpoint(vandal: Superuser) -> None:
    for _ in range(3):
        sealed_events(2)

    for change, which in itertools.product(CHECKPOINT_CHANGES, [1, 2, 3]):
        with make.made_good(vandal):
            vandal.execute(f"{change} WHERE id = %s", [which])

            found(kind="checkpoint_altered", table="audit_checkpoint", key=str(which))
    assert verify().ok


def test_can_not_check_without_a_key(vandal: Superuser, log_files: Path) -> None:
    with pytest.raises(CouldNotCheck, match=r"signing\.pub\.pem"):
        verify()


def test_reports_a_protection_that_was_taken_away(vandal: Superuser) -> None:
    sealed_events()

    for change, complaint in (
        (
            "ALTER TABLE config_event DISABLE TRIGGER audit_append",
            "audit_append on config_event is disabled",
        ),
        ("ALTER TABLE audit_leaf DISABLE TRIGGER ALL", "audit_refuse on audit_leaf is disabled"),
        ("DROP TRIGGER audit_refuse ON config_event", "audit_refuse on config_event is missing"),
        (
            "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN RETURN OLD; END'",
            "audit_refuse is not the one",
        ),
    ):
        vandal.execute(change)

        report = verify()
        assert (report.ok, report.first_broken) == (False, None)
        assert complaint in report.problems[0]
        assert run()[0] == 1
        install.install("owner")
        assert verify().ok


def test_says_in_words_what_is_broken(vandal: Superuser) -> None:
    rows = sealed_events()
    assert "Good. Root " in run()[1]

    vandal.execute("DELETE FROM config_event WHERE id = %s", [rows[2].pk])

    assert f"BROKEN: row_removed: config_event {rows[2].pk}" in run()[1]
