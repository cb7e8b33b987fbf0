"""Whatever is recorded, and whatever is then tampered with: it is found, and named rightly."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.audit.models import Checkpoint, Leaf, LedgerEntry
from config.audit.sealing import seal
from config.audit.verify import verify
from tests.config.audit import make

type Vandal = psycopg.Connection[Any]
type Expected = dict[str, Any]
type Crime = Callable[[Vandal, LedgerEntry], Expected]

COLUMNS = {"config_event": ("reason", "id"), "config_historicaluser": ("name", "history_id")}
_names = itertools.count(1)


def edit() -> None:
    person = make.person(f"edited-{next(_names)}")
    person.name = "Another name"
    person.save_as(make.system(), "name", reason="edited")


WORK: dict[str, Callable[[], Any]] = {
    "event": make.event,
    "person": make.person,
    "edit": edit,
    "seal": seal,
}


def leaf_of(entry: LedgerEntry) -> int | None:
    return Leaf.objects.filter(seq=entry.seq).values_list("index", flat=True).first()


def row(kind: str, entry: LedgerEntry) -> Expected:
    return {"kind": kind, "table": entry.table_name, "key": entry.row_key, "seq": entry.seq}


def ledger(entry: LedgerEntry) -> Expected:
    return {
        "kind": "ledger_altered",
        "table": "audit_ledger",
        "key": str(entry.seq),
        "seq": entry.seq,
    }


def alter_row(vandal: Vandal, entry: LedgerEntry) -> Expected:
    column, key = COLUMNS[entry.table_name]
    vandal.execute(
        f"UPDATE {entry.table_name} SET {column} = {column} || 'x' WHERE {key} = %s",
        [int(entry.row_key)],
    )
    return row("row_altered", entry)


def remove_row(vandal: Vandal, entry: LedgerEntry) -> Expected:
    key = COLUMNS[entry.table_name][1]
    vandal.execute(f"DELETE FROM {entry.table_name} WHERE {key} = %s", [int(entry.row_key)])
    return row("row_removed", entry)


def insert_row(vandal: Vandal, entry: LedgerEntry) -> Expected:
    table, key = entry.table_name, COLUMNS[entry.table_name][1]
    vandal.execute(
        f"INSERT INTO {table} SELECT"
        f" (jsonb_populate_record(r, jsonb_build_object('{key}', 1000000))).*"
        f" FROM {table} r WHERE {key} = %s",
        [int(entry.row_key)],
    )
    return {"kind": "row_inserted", "table": table, "key": "1000000", "seq": None}


def exchange_row(vandal: Vandal, entry: LedgerEntry) -> Expected:
    """Remove a row and put it back under another key."""
    insert_row(vandal, entry)
    return remove_row(vandal, entry)


def alter_entry(vandal: Vandal, entry: LedgerEntry) -> Expected:
    vandal.execute("UPDATE audit_ledger SET hash = sha256(hash) WHERE seq = %s", [entry.seq])
    return ledger(entry) if leaf_of(entry) is not None else row("row_altered", entry)


def alter_row_and_entry(vandal: Vandal, entry: LedgerEntry) -> Expected:
    alter_row(vandal, entry)
    return alter_entry(vandal, entry)


def remove_entry(vandal: Vandal, entry: LedgerEntry) -> Expected:
    vandal.execute("DELETE FROM audit_ledger WHERE seq = %s", [entry.seq])
    return ledger(entry)


def remove_entry_and_row(vandal: Vandal, entry: LedgerEntry) -> Expected:
    remove_row(vandal, entry)
    vandal.execute("DELETE FROM audit_salt WHERE seq = %s", [entry.seq])
    return remove_entry(vandal, entry)


def remove_salt(vandal: Vandal, entry: LedgerEntry) -> Expected:
    vandal.execute("DELETE FROM audit_salt WHERE seq = %s", [entry.seq])
    return ledger(entry)


def hide_from_both(vandal: Vandal, entry: LedgerEntry) -> Expected:
    """Take away the leaf of a sealed entry, the queue row of another."""
    leaf = leaf_of(entry)
    vandal.execute("DELETE FROM audit_unsealed WHERE seq = %s", [entry.seq])
    vandal.execute("DELETE FROM audit_leaf WHERE seq = %s", [entry.seq])
    if leaf is None:
        return ledger(entry)
    kind = "ledger_altered" if Leaf.objects.filter(index__gt=leaf).exists() else "tail_cut"
    return {"kind": kind, "table": "audit_leaf", "key": str(leaf), "leaf": leaf}


def alter_leaf(vandal: Vandal, entry: LedgerEntry) -> Expected:
    leaf = leaf_of(entry)
    vandal.execute("UPDATE audit_leaf SET hash = sha256(hash) WHERE seq = %s", [entry.seq])
    if leaf is None:
        return alter_row(vandal, entry)
    return {"kind": "ledger_altered", "table": "audit_leaf", "key": str(leaf), "seq": entry.seq}


def alter_checkpoint(vandal: Vandal, entry: LedgerEntry) -> Expected:
    number = 1 + entry.seq % Checkpoint.objects.count()
    vandal.execute("UPDATE audit_checkpoint SET root = sha256(root) WHERE id = %s", [number])
    return {"kind": "checkpoint_altered", "table": "audit_checkpoint", "key": str(number)}


def remove_checkpoint(vandal: Vandal, entry: LedgerEntry) -> Expected:
    number = 1 + entry.seq % Checkpoint.objects.count()
    vandal.execute("DELETE FROM audit_checkpoint WHERE id = %s", [number])
    return {"kind": "checkpoint_altered", "table": "audit_checkpoint", "key": str(number)}


def cut_tail(vandal: Vandal, entry: LedgerEntry) -> Expected:
    """Leave no trace in the database of anything after a size."""
    size = min(leaf_of(entry) or 1, Leaf.objects.count() - 1)
    seqs = (
        f'SELECT seq FROM audit_leaf WHERE "index" >= {size} UNION SELECT seq FROM audit_unsealed'
    )
    vandal.execute(f"CREATE TEMP TABLE doomed AS {seqs}")
    for table, (_, key) in COLUMNS.items():
        vandal.execute(
            f"DELETE FROM {table} WHERE {key}::text IN (SELECT row_key FROM audit_ledger"
            f" JOIN doomed USING (seq) WHERE table_name = '{table}')"
        )
    for table in ("audit_ledger", "audit_salt", "audit_unsealed", "audit_leaf"):
        vandal.execute(f"DELETE FROM {table} WHERE seq IN (SELECT seq FROM doomed)")
    vandal.execute(f"DELETE FROM audit_checkpoint WHERE size > {size}")
    vandal.execute("DROP TABLE doomed")
    return {"kind": "tail_cut", "table": "audit_leaf", "key": str(size), "leaf": size}


CRIMES: list[Crime] = [
    *(alter_row, remove_row, insert_row, exchange_row, alter_entry, alter_row_and_entry),
    *(remove_entry, remove_entry_and_row, remove_salt, hide_from_both, alter_leaf),
    *(alter_checkpoint, remove_checkpoint, cut_tail),
]


@pytest.fixture
def vandal(fresh_db: Any, superuser_dsn: str, settings: Any, tmp_path: Any) -> Iterator[Vandal]:
    """A superuser on whose connection no trigger fires."""
    settings.SIGNING_KEY = tmp_path / "keys" / "signing.pem"
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    make.events(2)
    seal()
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


@pytest.mark.check("CMP-04.1")
@given(
    work=st.lists(st.sampled_from(sorted(WORK)), max_size=6),
    crime=st.sampled_from(CRIMES),
    which=st.integers(0, 1000),
)
@settings(max_examples=60)
def test_finds_and_names_any_tampering(
    vandal: Vandal, work: list[str], crime: Crime, which: int
) -> None:
    for each in work:
        WORK[each]()
    assert verify().ok
    entries = LedgerEntry.objects.filter(table_name__in=COLUMNS).order_by("-seq")
    victim = entries[which % min(8, entries.count())]

    with make.made_good(vandal):
        expected = crime(vandal, victim)
        report = verify()

    assert not report.ok
    assert report.first_broken
    found = report.first_broken.as_dict()
    assert {name: found[name] for name in expected} == expected, found
    assert verify().ok
