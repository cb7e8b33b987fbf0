"""Taking a backup: seal, dump one snapshot, write beside it what it holds, record it."""

import os
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from django.db import Error, transaction
from psycopg import Connection, IsolationLevel, sql

from config import clock, version
from config.audit.keys import KeyProblem
from config.audit.sealing import SealRefused, seal
from config.backup import programs
from config.backup.manifest import Manifest, digest, manifest_path
from config.backup.refusals import Refused, Unavailable
from config.database import direct
from config.events.operations import record
from config.files import sync_folder
from config.organisation.models import User

TAKEN = "backup.taken"
MEBIBYTE = 1024**2

type Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Backup:
    """A finished backup; `complaint` says why what it holds could not be sealed first."""

    path: Path
    manifest: Manifest
    complaint: str = ""


def back_up(out: Path, *, tell: Tell) -> Backup:
    """Write the whole database to `out` and its manifest beside it, or neither.

    A log that can't be sealed is no reason to go without a backup: the caller hears of it.
    """
    _refuse_place(out)
    tell("sealing ...")
    complaint = _seal()
    partial = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        with _snapshot() as (connection, snapshot):
            manifest = _dump(connection, snapshot, partial, tell)
        tell("computing the checksum ...")
        manifest = replace(manifest, bytes=partial.stat().st_size, sha256=digest(partial))
        manifest.write(out)
        partial.replace(out)  # last: where the file is, its manifest is too
        sync_folder(out.parent)  # pg_dump has synced the content
    finally:
        partial.unlink(missing_ok=True)
    _record(out, manifest)
    return Backup(out, manifest, complaint)


def _refuse_place(out: Path) -> None:
    for path in (out, manifest_path(out)):
        if path.exists():
            raise Refused(f"{path} exists already. Choose another name: backups are not replaced.")
    if not out.parent.is_dir():
        raise Refused(f"There is no folder {out.parent}. Make it, or choose another.")
    if not os.access(out.parent, os.W_OK):
        raise Refused(f"{out.parent} can't be written. Choose another folder.")


def _seal() -> str:
    try:
        seal()
    except (SealRefused, KeyProblem, OSError) as error:
        return f"Not sealed: {error}"
    return ""


@contextmanager
def _snapshot() -> Iterator[tuple[Connection[Any], str]]:
    """A transaction whose view of the database pg_dump can share, so that our facts are its own."""
    try:
        with direct("owner", autocommit=False) as connection:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            connection.execute("SET idle_in_transaction_session_timeout = 0")
            row = connection.execute("SELECT pg_export_snapshot()").fetchone()
            yield connection, str(row[0] if row else "")
    except psycopg.Error as error:
        raise Unavailable(f"The database: {error}".strip()) from error


def _dump(connection: Connection[Any], snapshot: str, partial: Path, tell: Tell) -> Manifest:
    tools = programs.choose(connection)
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    tools.run(
        "pg_dump",
        "--format=custom",
        f"--snapshot={snapshot}",
        f"--file={partial}",
        "--lock-wait-timeout=60s",
        alias="owner",
        tick=lambda: tell(f"dumping: {partial.stat().st_size // MEBIBYTE} MiB ..."),
    )
    tell("counting rows ...")
    return _facts(connection, tools.major)


def _facts(connection: Connection[Any], pg_dump: int) -> Manifest:
    origin = connection.execute("SELECT name FROM audit_origin ORDER BY id DESC LIMIT 1").fetchone()
    last = connection.execute(
        "SELECT size, note FROM audit_checkpoint ORDER BY id DESC LIMIT 1"
    ).fetchone()
    installation = connection.execute(
        "SELECT installation_id::text FROM config_installation"
    ).fetchone()
    rows = count_rows(connection)
    return Manifest(
        taken_at=clock.now().isoformat(),
        version=version.number(),
        installation_id=installation[0] if installation else "",
        postgresql=connection.info.server_version // 10000,
        pg_dump=pg_dump,
        origin=origin[0] if origin else "",
        checkpoint_size=last[0] if last else 0,
        checkpoint=last[1] if last else "",
        unsealed=rows.get("audit_unsealed", 0),
        migrations=_migrations(connection),
        rows=rows,
    )


def count_rows(connection: Connection[Any]) -> dict[str, int]:
    """How many rows each table has."""
    tables = connection.execute(
        "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r'"
        " AND c.relnamespace = current_schema()::regnamespace ORDER BY 1"
    ).fetchall()
    counts = {}
    for (table,) in tables:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        row = connection.execute(query).fetchone()
        counts[table] = row[0] if row else 0
    return counts


def _migrations(connection: Connection[Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for app, name in connection.execute("SELECT app, name FROM django_migrations ORDER BY 1, 2"):
        found[app].append(name)
    return dict(found)


def _record(out: Path, manifest: Manifest) -> None:
    try:
        with transaction.atomic():
            record(
                TAKEN,
                None,
                actor=User.objects.system(),
                file=out.name,
                bytes=manifest.bytes,
                sha256=manifest.sha256,
                checkpoint=manifest.checkpoint_size,
            )
    except Error as error:
        raise Unavailable(f"{out} is written and whole, but not recorded: {error}") from error
