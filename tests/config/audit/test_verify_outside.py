"""What only a checkpoint from outside the database can show: a tail cut, a log rewritten."""

import json
from pathlib import Path

import pytest

from config.audit import outside
from config.audit.models import Checkpoint
from config.audit.sealing import SealRefused, begin_origin, seal
from config.audit.verify import CouldNotCheck, verify
from tests.config.audit import make
from tests.config.audit.conftest import Superuser
from tests.config.audit.test_verify import found, run, sealed_events


def cut_tail(vandal: Superuser, size: int, *tables: str) -> None:
    """Remove what came after the first `size` leaves, rows included."""
    vandal.execute("DROP TABLE IF EXISTS doomed")
    vandal.execute(
        "CREATE TEMP TABLE doomed AS SELECT e.* FROM audit_ledger e JOIN audit_leaf f USING (seq)"
        ' WHERE f."index" >= %s',
        [size],
    )
    for table in tables:
        where = {
            "audit_checkpoint": f"size > {size}",
            "audit_leaf": f'"index" >= {size}',
            "config_event": "id::text IN (SELECT row_key FROM doomed)",
        }.get(table, "seq IN (SELECT seq FROM doomed)")
        vandal.execute(f"DELETE FROM {table} WHERE {where}")


WHOLE_TAIL = ("config_event", "audit_salt", "audit_ledger", "audit_leaf", "audit_checkpoint")


def test_finds_a_tail_that_was_cut(vandal: Superuser) -> None:
    sealed_events(3)
    size = Checkpoint.objects.latest("pk").size
    sealed_events(3)

    starts = (WHOLE_TAIL[left:] for left in range(4))
    for tables in (*starts, ("audit_leaf",), ("audit_ledger", "audit_leaf")):
        with make.made_good(vandal):
            cut_tail(vandal, size, *tables)

            found(kind="tail_cut", table="audit_leaf", key=str(size), leaf=size)
            assert run()[0] == 1
    assert verify().ok


def test_finds_a_cut_tail_by_a_checkpoint_that_was_kept(vandal: Superuser, log_files: Path) -> None:
    sealed_events(3)
    size = Checkpoint.objects.latest("pk").size
    sealed_events(3)
    kept = log_files / "kept.txt"
    kept.write_text(Checkpoint.objects.latest("pk").note)
    for each in outside.published(Checkpoint.objects.latest("pk").origin):
        each.path.unlink()

    cut_tail(vandal, size, *WHOLE_TAIL)

    assert verify().ok
    code, text = run("--json", "--checkpoint", str(kept))
    assert (code, json.loads(text)["first_broken"]["kind"]) == (1, "tail_cut")


def test_seals_nothing_over_a_cut_tail(vandal: Superuser) -> None:
    sealed_events(3)
    size = Checkpoint.objects.latest("pk").size
    sealed_events(3)
    cut_tail(vandal, size, *WHOLE_TAIL)
    make.event()

    with pytest.raises(SealRefused, match="says"):
        seal()

    found(kind="tail_cut", leaf=size)


def test_finds_a_whole_log_that_was_replaced(vandal: Superuser) -> None:
    sealed_events(3)
    kept = Checkpoint.objects.get().note
    vandal.execute(
        "TRUNCATE config_event, audit_salt, audit_ledger, audit_leaf, audit_checkpoint,"
        " audit_origin CASCADE"
    )
    sealed_events(2)

    report = verify(checkpoint=kept)

    assert report.first_broken
    assert (report.first_broken.kind, report.first_broken.leaf) == ("tail_cut", 0)


def test_finds_a_history_rewritten_and_signed_again(vandal: Superuser) -> None:
    """Whoever holds the key as well as the database can rewrite all but what is outside."""
    sealed_events(3)
    sealed_events(3)
    origin = Checkpoint.objects.latest("pk").origin
    vandal.execute("UPDATE audit_ledger SET at = at + interval '1 second' WHERE seq = 3")
    vandal.execute("INSERT INTO audit_unsealed SELECT seq FROM audit_leaf")
    vandal.execute("TRUNCATE audit_leaf, audit_checkpoint")
    kept = {each.path: each.note() for each in outside.published(origin)}
    for path in kept:
        path.unlink()
    seal()
    for path, note in kept.items():
        path.write_text(note)

    first = min(each.size for each in outside.published(origin))
    found(kind="ledger_altered", table="audit_leaf", leaf=0)
    assert first == 4


def test_reports_a_checkpoint_outside_that_was_altered(vandal: Superuser) -> None:
    sealed_events()
    published = outside.published(Checkpoint.objects.get().origin)[0]
    published.path.write_text(published.note().replace("\n7\n", "\n8\n"))

    report = verify()

    assert (report.ok, report.first_broken, len(report.problems)) == (False, None, 1)
    assert published.path.name in report.problems[0]


@pytest.mark.parametrize("note", ["", "nonsense", "a\n1\nAAAA\n\n— a AAAAAAAA\n"])
def test_can_not_check_against_what_is_no_checkpoint(
    vandal: Superuser, note: str, log_files: Path
) -> None:
    sealed_events()
    file = log_files / "given.txt"
    file.write_text(note)

    with pytest.raises(CouldNotCheck):
        verify(checkpoint=note)

    assert run("--checkpoint", str(file))[0] == 3
    assert run("--checkpoint", str(log_files / "missing"))[0] == 2


def test_accepts_a_restore_that_named_what_it_lost(vandal: Superuser) -> None:
    sealed_events(3)
    size = Checkpoint.objects.latest("pk").size
    sealed_events(3)
    kept = Checkpoint.objects.latest("pk").note
    cut_tail(vandal, size, *WHOLE_TAIL)  # what a backup from before would have

    begin_origin(kept)
    sealed_events(1)

    report = verify(checkpoint=kept)
    assert report.ok
    assert "3 entries were lost" in report.warnings[0]
