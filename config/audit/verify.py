"""Verification of the whole log: rows, entries, leaves, checkpoints, and what was kept outside.

Works in ranges, in one snapshot, and calls none of the functions installed in the database.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from config.audit import keys, notes, outside, succession, verify_protection
from config.audit.entries import look_up, pin
from config.audit.findings import LAST, Finding, Report
from config.audit.models import LogOrigin
from config.audit.succession import Signers
from config.audit.verify_entries import EntriesResult, EntryCheck
from config.audit.verify_tree import TreeCheck, TreeResult, Witness

type Progress = Callable[[str, int], None]


class CouldNotCheck(RuntimeError):
    """Verification could not be carried out; nothing is said about the log."""


def verify(
    *, checkpoint: str | None = None, using: str = "default", progress: Progress | None = None
) -> Report:
    """Check everything; `checkpoint` is the text of one that was kept outside.

    Raises `CouldNotCheck`, also where `checkpoint` is none of this installation's.
    """
    tell = progress or _silent
    try:
        signers = _signers(using)
    except keys.KeyProblem as error:
        raise CouldNotCheck(str(error)) from error
    report = Report()
    # Before the snapshot: what is published while we walk would seem to be missing from it.
    origins = list(LogOrigin.objects.using(using).order_by("pk"))
    report.origin = origins[-1].name if origins else ""
    witnesses = _Witnesses(origins, signers, report)
    witnesses.read_folder()
    if checkpoint is not None:
        witnesses.add_given(checkpoint)
    with _snapshot(using) as cursor:
        tree = TreeCheck(cursor, signers, witnesses.found, lambda n: tell("leaves", n)).run()
        walk = EntryCheck(cursor, lambda n: tell("entries", n)).run()
        report.problems += verify_protection.problems(cursor)
    report.entries, report.leaves = walk.count, tree.leaves
    report.checkpoints, report.root = tree.checkpoints, tree.root.hex()
    report.first_broken = _first(walk, tree, witnesses.lost)
    return report


def _signers(using: str) -> Signers:
    present = keys.public_key()
    if (later := succession.successor(present, using=using)) is not None:
        raise CouldNotCheck(
            f"The key {keys.public_path()} was succeeded by {later.newer_id}. Copy the present "
            f"key here from the machine where rotate_signing_key ran."
        )
    return succession.signers(present, using=using)


@contextmanager
def _snapshot(using: str) -> Iterator[CursorWrapper]:
    """One state of the database throughout, while others go on writing."""
    connection = connections[using]
    nested = connection.in_atomic_block
    with transaction.atomic(using=using), connection.cursor() as cursor:
        if not nested:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        pin(cursor)
        look_up(cursor)
        yield cursor


def _first(walk: EntriesResult, tree: TreeResult, lost: Finding | None) -> Finding | None:
    """The first broken thing; where both walks saw the same break, the more telling name for it."""
    entry, leaf = walk.broken, tree.broken or lost
    if entry and leaf:
        if (
            walk.unplaced
            and leaf.table == "audit_leaf"
            and leaf.kind in ("tail_cut", "ledger_altered")
        ):
            return replace(leaf, seq=entry.seq)
        if walk.leaf_differs and tree.since is not None and (entry.leaf or 0) >= tree.since:
            return _altered_leaf(entry, leaf)
    found = [each for each in (leaf, entry) if each]
    return min(found, key=lambda each: each.rank, default=None)


def _altered_leaf(entry: Finding, leaf: Finding) -> Finding:
    """Leaf and entry differ, and the sealed root is not that of the leaves: it was the leaf."""
    if leaf.kind != "ledger_altered" or entry.leaf is None:
        return min(entry, leaf, key=lambda each: each.rank)
    detail = "the leaf is not what was sealed"
    return replace(entry, table="audit_leaf", key=str(entry.leaf), detail=detail)


class _Witnesses:
    """Checkpoints from outside that this log has to agree with."""

    def __init__(self, origins: list[LogOrigin], signers: Signers, report: Report) -> None:
        self._origins = origins
        self._signers = signers
        self._report = report
        self.found: list[Witness] = []
        self.lost: Finding | None = None

    def read_folder(self) -> None:
        """All that are published of the present log."""
        if not self._report.origin:
            return
        for each in outside.published(self._report.origin):
            try:
                head = self._signed_head(each.note())
            except (notes.NoteError, OSError) as error:
                self._report.problems.append(f"checkpoint {each.path.name} outside: {error}")
                continue
            self.found.append(Witness(head, each.path.name))

    def add_given(self, note: str) -> None:
        """One that the caller brought along."""
        try:
            head = self._signed_head(note)
        except notes.NoteError as error:
            raise CouldNotCheck(f"The given checkpoint: {error}.") from error
        names = [origin.name for origin in self._origins]
        if head.origin not in names:
            detail = f"the database knows nothing of the log {head.origin}, of {head.size} leaves"
            self.lost = Finding("tail_cut", "audit_leaf", "0", None, 0, detail, LAST - 1)
        elif not self._declared_lost(names.index(head.origin), head):
            self.found.append(Witness(head, "the given checkpoint"))

    def _declared_lost(self, index: int, head: notes.TreeHead) -> bool:
        """Whether a restore said openly that it lost what this checkpoint sealed."""
        if index + 1 == len(self._origins) or head.size <= self._origins[index + 1].began_at_size:
            return False
        after = self._origins[index + 1]
        try:
            known = self._signed_head(after.previous_note)
        except notes.NoteError:
            return False
        if known.origin != head.origin or known.size < head.size:
            return False
        lost = known.size - after.began_at_size
        self._report.warnings.append(
            f"the log was restored at {after.at:%Y-%m-%d %H:%M} UTC; {lost} entries were lost"
        )
        return True

    def _signed_head(self, note: str) -> notes.TreeHead:
        parsed = notes.parse(note)
        head = notes.tree_head(parsed.text)
        if not self._is_signed(parsed, head):
            raise notes.NoteError("no key of this installation signed it, or it was altered")
        return head

    def _is_signed(self, note: notes.SignedNote, head: notes.TreeHead) -> bool:
        """What a restore has lost may name sizes beyond those at which keys changed since."""
        if head.origin != self._report.origin:
            return self._signers.ever_signed(note, head.origin)
        return self._signers.signed(note, head.origin, head.size)


def _silent(what: str, count: int) -> None:
    """No progress wanted."""
