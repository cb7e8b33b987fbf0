"""One sealer, one unbroken sequence, and writers who never wait for each other."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from config.audit import merkle, notes, outside
from config.audit.models import Checkpoint, Leaf, LedgerEntry, LogOrigin, Unsealed
from config.audit.sealing import seal, status
from config.audit.verify import verify
from tests.config.audit import make

INSERT = (
    "INSERT INTO config_event"
    " (kind, subject_type, subject_name, actor_id, origin, at, reason, data)"
    " SELECT 'audit.tested', 'test', %s, id, 'system', now(), '', '{}' FROM config_user LIMIT 1"
)


def indexes() -> list[int]:
    return list(Leaf.objects.order_by("index").values_list("index", flat=True))


def hashes() -> list[bytes]:
    return [bytes(leaf.hash) for leaf in Leaf.objects.order_by("index")]


def test_seals_nothing_twice(fresh_db: Any, log_files: Path) -> None:
    make.events(3)

    first = seal()

    assert first
    assert (first.pk, first.size, indexes()) == (
        1,
        4,
        [0, 1, 2, 3],
    )  # the first is the log's origin
    assert LedgerEntry.objects.get(seq=Leaf.objects.get(index=3).seq).table_name == "audit_origin"
    assert Unsealed.objects.count() == 0
    assert seal() is None
    make.event()
    second = seal()
    assert second
    assert (second.pk, second.size) == (2, 5)


def test_signs_the_root_and_publishes_it_after_the_commit(fresh_db: Any, log_files: Path) -> None:
    make.events(3)

    with transaction.atomic():
        checkpoint = seal()
        assert checkpoint
        assert outside.published(checkpoint.origin) == []

    root = merkle.root_of(hashes())
    assert notes.tree_head(notes.parse(checkpoint.note).text) == notes.TreeHead(
        LogOrigin.objects.get().name, 4, root
    )
    (published,) = outside.published(checkpoint.origin)
    assert (published.size, published.note()) == (4, checkpoint.note)
    assert published.path.name.endswith("-000000000004.txt")


def test_leaves_nothing_behind_when_its_transaction_fails(fresh_db: Any, log_files: Path) -> None:
    make.event()

    with transaction.atomic():
        seal()
        transaction.set_rollback(True)

    assert (Checkpoint.objects.count(), Leaf.objects.count(), Unsealed.objects.count()) == (0, 0, 1)
    assert not outside.folder().exists()


@pytest.mark.check("CMP-04.2")
def test_lets_a_late_commit_fall_into_the_next_checkpoint(fresh_db: Any, log_files: Path) -> None:
    url = fresh_db.runtime_url
    with psycopg.connect(url) as slow, psycopg.connect(url) as quick:
        slow.execute("SET lock_timeout = '2s'")
        quick.execute("SET lock_timeout = '2s'")
        slow.execute(INSERT, ["slow"])
        quick.execute(INSERT, ["quick"])
        quick.commit()
        first = seal()
        slow.commit()
    second = seal()

    assert first
    assert second
    assert (first.size, second.size, indexes()) == (2, 3, [0, 1, 2])
    late = LedgerEntry.objects.get(seq=Leaf.objects.get(index=2).seq)
    assert late.seq < LedgerEntry.objects.get(seq=Leaf.objects.get(index=0).seq).seq
    assert verify().ok


@pytest.mark.check("CMP-04.2")
def test_makes_one_sequence_of_seals_for_many_writers_and_sealers(
    fresh_db: Any, log_files: Path
) -> None:
    start = threading.Barrier(6)

    def write(number: int) -> None:
        with psycopg.connect(fresh_db.runtime_url, autocommit=True) as own:
            start.wait()
            for turn in range(20):
                own.execute(INSERT, [f"{number}.{turn}"])

    def keep_sealing(wait: bool) -> None:
        start.wait()
        for _ in range(10):
            seal(wait=wait)
        connection.close()

    with ThreadPoolExecutor(6) as pool:
        done = [pool.submit(write, number) for number in range(4)]
        done += [pool.submit(keep_sealing, wait) for wait in (True, False)]
    for each in done:
        each.result()
    seal()

    checkpoints = list(Checkpoint.objects.order_by("pk"))
    assert indexes() == list(range(81))
    assert [each.pk for each in checkpoints] == list(range(1, len(checkpoints) + 1))
    assert sorted(each.size for each in checkpoints) == [each.size for each in checkpoints]
    leaves = hashes()
    tree = merkle.Tree(81, lambda start, stop: leaves[start:stop])
    for old in checkpoints:
        proof = tree.consistency(old.size)
        assert merkle.verify_consistency(old.size, 81, bytes(old.root), tree.root(), proof)
    assert verify().ok


def test_returns_at_once_while_another_seals(fresh_db: Any, log_files: Path) -> None:
    make.event()
    with psycopg.connect(fresh_db.runtime_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(7235101)")

        assert seal(wait=False) is None

    assert seal(wait=False)


def test_says_how_far_behind_it_is(fresh_db: Any, log_files: Path) -> None:
    assert (status().queued, status().size, status().published) == (0, 0, True)
    make.events(2)
    assert status().queued == 2
    assert status().oldest_age.total_seconds() >= 0

    checkpoint = seal()

    assert checkpoint
    assert (status().queued, status().size, status().published) == (0, 3, True)
    outside.published(checkpoint.origin)[0].path.unlink()
    assert not status().published


def test_goes_on_where_the_folder_can_not_be_written(fresh_db: Any, log_files: Path) -> None:
    outside.folder().write_text("a file in the way")
    make.event()

    assert seal()

    assert not status().published


def test_keeps_the_newest_and_one_a_day_of_the_older_ones(
    log_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside, "KEPT", 3)

    for size in range(1, 8):
        outside.publish("log/a", size, "note")
    outside.publish("log/b", 1, "another log")

    assert [each.size for each in outside.published("log/a")] == [4, 5, 6, 7]
    newest = outside.newest("log/a")
    assert newest
    assert newest.size == 7
