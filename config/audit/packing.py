"""Writes an export pack: a zip whose content anyone can check, streamed with flat memory."""

import hashlib
import io
import json
import secrets
import shutil
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import batched
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from config.audit import keys, merkle, notes, succession
from config.audit import pack_format as form
from config.audit.entries import COLUMNS, FORMAT, Entry, pin, row_texts
from config.audit.models import Checkpoint
from config.audit.plain_values import Sheet, json_line
from config.audit.sealing import seal
from config.audit.tables import column_sets, tables

BATCH = 1000
CHUNK = 1 << 20
VERIFIER = Path(__file__).with_name("verify_pack_template.py")


class PackRefused(ValueError):
    """The pack can't be written as asked."""


class PackWriter:
    """`with PackWriter(path, about={...}) as pack:` the file appears whole at the end, or never.

    `about` goes into the manifest: who asked, for what, by which filter; what is learnt on the way
    may be added. Seals first, so that what is committed when it begins has its leaf.
    """

    def __init__(self, path: Path, *, about: Mapping[str, Any], using: str = "default") -> None:
        self._path = path
        self.about = dict(about)
        self._using = using
        self._withheld: set[int] = set()
        self._files: dict[str, dict[str, Any]] = {}
        self._fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")

    def __enter__(self) -> Self:
        seal(using=self._using)
        checkpoint = Checkpoint.objects.using(self._using).order_by("-pk").first()
        if checkpoint is None:
            raise PackRefused("Nothing is recorded yet, so there is nothing to export.")
        if complaint := succession.complaint(checkpoint, using=self._using):
            raise PackRefused(str(complaint))
        self._checkpoint = checkpoint
        self._chosen = _Chosen(checkpoint.size)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._fresh.touch(mode=0o600)
        self._zip = zipfile.ZipFile(self._fresh, "w", zipfile.ZIP_DEFLATED)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            with self._zip:
                if error is None:
                    self._finish()
            if error is None:
                _seal_container(self._fresh)
                self._fresh.replace(self._path)
        finally:
            self._fresh.unlink(missing_ok=True)

    @property
    def size(self) -> int:
        """How many leaves the log had when the pack began: later entries can't be proved by it."""
        return self._checkpoint.size

    def add_table(
        self, name: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]
    ) -> int:
        """Write data/<name>.jsonl and .csv, and return the number of rows.

        The caller orders the rows: the same query at the same checkpoint gives the same bytes.
        """
        count = 0
        with io.TextIOWrapper(tempfile.TemporaryFile(), "utf-8", newline="") as spool:
            sheet = Sheet(spool, columns)
            with self._member(f"data/{name}.jsonl") as lines:
                for row in rows:
                    lines.write(json_line({column: row[column] for column in columns}))
                    sheet.add(row)
                    count += 1
            spool.seek(0)
            with self._member(f"data/{name}.csv") as target:
                shutil.copyfileobj(spool.buffer, target, CHUNK)
        for ending in ("jsonl", "csv"):
            self._files[f"data/{name}.{ending}"]["rows"] = count
        return count

    def add_entries(self, seqs: Iterable[int], *, withheld: Container[int] = ()) -> None:
        """Prove these ledger entries. Of those withheld only the place in the log is shown.

        Raises `PackRefused` where one is not in the log as it was sealed when the pack began.
        """
        for some in batched(seqs, BATCH):
            self._withheld.update(seq for seq in some if seq in withheld)
            with connections[self._using].cursor() as cursor:
                self._chosen.add(cursor, set(some))

    def _finish(self) -> None:
        leaves = self._write_leaves()
        self._write(form.CHECKPOINT, self._checkpoint.note.encode())
        self._write(form.README, form.README_TEXT.encode())
        self._write(form.VERIFIER, VERIFIER.read_bytes())
        key = keys.signing_key()
        self._write(form.PUBLIC_KEY, keys.public_pem(key.public_key()))
        manifest = json.dumps(self._manifest(leaves), indent=2, sort_keys=True, ensure_ascii=False)
        signed = f"{manifest}\n".encode()
        self._write(form.MANIFEST, signed)
        self._write(form.SIGNATURE, key.sign(signed))
        sums = [f"{each['sha256']}  {name}\n" for name, each in sorted(self._files.items())]
        self._write(form.SUMS, "".join(sums).encode())

    def _manifest(self, leaves: Mapping[str, int]) -> dict[str, Any]:
        last, key = self._checkpoint, keys.signing_key().public_key()
        return {
            "format": form.FORMAT,
            "entry_format": FORMAT,
            "about": self.about,
            "checkpoint": {"origin": last.origin, "size": last.size, "root": last.root.hex()},
            "leaves": dict(leaves),
            "files": self._files,
            "key": notes.verifier_key(last.origin, key),
            "succession": succession.statements(key, using=self._using),
        }

    def _write_leaves(self) -> dict[str, int]:
        counts = {"entries": 0, "purged": 0, "withheld": len(self._withheld)}
        with (
            transaction.atomic(using=self._using),
            connections[self._using].cursor() as cursor,
            self._member(form.LEAVES) as target,
        ):
            reader = _LeafReader(cursor, self._checkpoint.size)
            for line in reader.lines(self._chosen.indexes(), self._withheld):
                target.write(json_line(line))
                counts["entries"] += 1
                counts["purged"] += line["salt"] is None and not line["withheld"]
        return counts

    def _write(self, name: str, content: bytes) -> None:
        with self._member(name) as target:
            target.write(content)

    def _member(self, name: str) -> "_Member":
        if name in self._files or not (name in form.FIXED or form.DATA.fullmatch(name)):
            raise PackRefused(f"{name} is twice in the pack, or no name for a file of it")
        self._files[name] = {}
        return _Member(self._zip, name, self._files[name])


class _Member:
    """One file of the zip while it is written: hashed and counted on the way."""

    def __init__(self, container: zipfile.ZipFile, name: str, facts: dict[str, Any]) -> None:
        info = zipfile.ZipInfo(name, form.STAMP)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o100644 << 16
        self._target: IO[bytes] = container.open(info, "w", force_zip64=True)
        self._digest = hashlib.sha256()
        self._facts = facts
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failed: object) -> None:
        self._target.close()
        self._facts |= {"sha256": self._digest.hexdigest(), "bytes": self._size}

    def write(self, content: bytes) -> int:
        """Append to the file."""
        self._digest.update(content)
        self._size += len(content)
        return self._target.write(content)


class _Chosen:
    """Which leaves the pack proves, as one bit for each leaf of the log."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._bits = bytearray(size // 8 + 1)

    def add(self, cursor: CursorWrapper, seqs: set[int]) -> None:
        cursor.execute(
            'SELECT "index" FROM audit_leaf WHERE seq = ANY(%s::bigint[]) AND "index" < %s',
            [list(seqs), self._size],
        )
        found = [index for (index,) in cursor.fetchall()]
        if len(found) != len(seqs):
            raise PackRefused(f"{len(seqs) - len(found)} of the entries are not in the sealed log")
        for index in found:
            self._bits[index >> 3] |= 1 << (index & 7)

    def indexes(self) -> Iterator[int]:
        for place, bits in enumerate(self._bits):
            yield from ((place << 3) + bit for bit in range(8) if bits >> bit & 1)


class _LeafReader:
    """Reads entries with their rows' texts and proofs, tile by tile."""

    def __init__(self, cursor: CursorWrapper, size: int) -> None:
        pin(cursor)
        self._cursor = cursor
        self._tree = merkle.Tree(size, self._hashes)
        self._sets = column_sets(cursor)
        self._tables = tables(cursor, {name for name, _ in self._sets})

    def lines(self, indexes: Iterable[int], withheld: Container[int]) -> Iterator[dict[str, Any]]:
        """One line per entry, in the order of the leaves."""
        for some in batched(indexes, BATCH):
            yield from self._batch(list(some), withheld)

    def _batch(self, indexes: list[int], withheld: Container[int]) -> Iterator[dict[str, Any]]:
        self._cursor.execute(
            f'SELECT f."index", s.salt, {COLUMNS} FROM audit_leaf f '  # noqa: S608  # nosec B608  (literals)
            f"JOIN audit_ledger e ON e.seq = f.seq LEFT JOIN audit_salt s ON s.seq = f.seq "
            f'WHERE f."index" = ANY(%s::bigint[]) ORDER BY f."index"',
            [indexes],
        )
        found = [(index, salt, Entry(*row)) for index, salt, *row in self._cursor.fetchall()]
        texts = self._texts([entry for _, _, entry in found if entry.seq not in withheld])
        for index, salt, entry in found:
            text = texts.get((entry.table, entry.row_key))
            shown = text is not None and salt is not None
            yield {
                "index": index,
                "seq": entry.seq,
                "at": entry.at,
                "table": entry.table,
                "row_key": entry.row_key,
                "column_set": entry.column_set,
                "hash": entry.hash.hex(),
                "salt": salt.hex() if shown else None,
                "row": text if shown else None,
                "withheld": entry.seq in withheld,
                "proof": [node.hex() for node in self._tree.inclusion(index)],
            }

    def _texts(self, wanted: list[Entry]) -> dict[tuple[str, str], str]:
        groups: dict[tuple[str, int], list[str]] = defaultdict(list)
        for entry in wanted:
            groups[entry.table, entry.column_set].append(entry.row_key)
        texts: dict[tuple[str, str], str] = {}
        for (name, number), row_keys in groups.items():
            if table := self._tables.get(name):
                found = row_texts(self._cursor, table, self._sets.get((name, number), []), row_keys)
                texts |= {(name, key): text for key, text in found.items()}
        return texts

    def _hashes(self, start: int, stop: int) -> list[bytes]:
        self._cursor.execute(
            'SELECT hash FROM audit_leaf WHERE "index" >= %s AND "index" < %s ORDER BY "index"',
            [start, stop],
        )
        return [digest for (digest,) in self._cursor.fetchall()]


def _seal_container(path: Path) -> None:
    """End the zip with the SHA-256 of all before it, so that no byte escapes a check."""
    placeholder = form.COMMENT + b"0" * 64
    with zipfile.ZipFile(path, "a") as container:
        container.comment = placeholder
    digest = hashlib.sha256()
    with path.open("r+b") as file:
        remaining = path.stat().st_size - 64
        while remaining:
            chunk = file.read(min(CHUNK, remaining))
            digest.update(chunk)
            remaining -= len(chunk)
        file.seek(-64, io.SEEK_END)
        file.write(digest.hexdigest().encode())
