"""Restoring a backup: into an empty database, as a new log, with nothing leaving the house."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import Error, transaction
from django.db.migrations.loader import MigrationLoader

from config.audit import notes, outside
from config.audit.findings import Report
from config.audit.keys import KeyProblem, private_path
from config.audit.models import Checkpoint, LogOrigin
from config.audit.rotation import enter_kept
from config.audit.sealing import SealRefused, begin_origin, seal
from config.audit.verify import CouldNotCheck, verify
from config.backup import programs
from config.backup.backing_up import Tell, count_rows
from config.backup.manifest import Manifest, digest
from config.backup.refusals import Refused, Unavailable
from config.backup.targets import Roles, Target, pointed_at
from config.database import direct
from config.due import installation
from config.due.models import Installation
from config.events.operations import record
from config.organisation.models import User

RESTORED = "backup.restored"


@dataclass(slots=True)
class Restored:
    """What became of it. `report` is None where the log could not be checked."""

    database: str
    rows: int
    origin: str = ""
    previous_size: int = 0
    began_at_size: int = 0
    report: Report | None = None
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """How many sealed entries are known outside that the backup didn't hold."""
        return max(self.previous_size - self.began_at_size, 0)


def check_file(dump: Path) -> Manifest:
    """The manifest of a whole backup that this code can read; else `Refused`."""
    if not dump.is_file():
        raise Refused(f"There is no file {dump}.")
    manifest = Manifest.read(dump)
    if dump.stat().st_size != manifest.bytes or digest(dump) != manifest.sha256:
        raise Refused(
            f"{dump} is not the file that its manifest describes: the SHA-256 differs. Copy it "
            f"again from where it is kept, or take another backup."
        )
    known = MigrationLoader(None, ignore_no_migrations=True).disk_migrations or {}
    newer = [
        f"{app}.{name}"
        for app, names in manifest.migrations.items()
        for name in names
        if (app, name) not in known
    ]
    if newer:
        raise Refused(
            f"The backup is of another version ({manifest.version}): this code does not know "
            f"{', '.join(newer[:3])}. Restore it with that version or a later one."
        )
    return manifest


def restore(dump: Path, manifest: Manifest, target: Target, *, tell: Tell) -> Restored:
    """Fill the empty target, bring it up to date, begin its log, pause what it would send."""
    with pointed_at(target) as roles:
        tell("restoring ...")
        _load(dump, manifest, tell)
        result = Restored(target.name, sum(manifest.rows.values()), notes=_about(roles))
        result.problems += _compare(manifest)
        tell("migrating ...")
        try:
            call_command("migrate", database="owner", interactive=False, verbosity=0)
            _begin(dump, manifest, result)
        except Error as error:
            raise Unavailable(
                f"The rows are in {target.name}, but it is not ready for use: {error}. Solve "
                f"that, drop the database, and restore again."
            ) from error
        tell("verifying ...")
        _verify(result)
    return result


def _load(dump: Path, manifest: Manifest, tell: Tell) -> None:
    """All or nothing. Triggers come after the rows, so that none makes a new entry of an old row.

    Owners and rights are not taken over, since the roles may have other names here: everything
    belongs to the target's owner, and `migrate` gives the rights.
    """
    with direct("owner") as connection:
        tools = programs.choose(connection, manifest.pg_dump)
    tools.run(
        "pg_restore",
        "--no-owner",
        "--no-privileges",
        "--exit-on-error",
        "--single-transaction",
        str(dump),
        alias="owner",
        tick=lambda: tell("restoring ..."),
    )


def _compare(manifest: Manifest) -> list[str]:
    with direct("owner") as connection:
        found = count_rows(connection)
    return [
        f"table {table} has {found.get(table, 0)} rows, the backup says {count}"
        for table, count in manifest.rows.items()
        if found.get(table) != count
    ]


def _about(roles: Roles) -> list[str]:
    return [
        f"the role {name} does not exist on this server: create it, then run manage.py migrate"
        for name in roles.missing
    ]


def _begin(dump: Path, manifest: Manifest, result: Restored) -> None:
    """A new log that names the last known checkpoint; its first words say what happened."""
    size, note = _last_known(manifest)
    with transaction.atomic():
        origin = begin_origin(note)
        enter_kept()
        row, _ = Installation.objects.get_or_create(pk=Installation.SINGLE)
        installation.pause(row, f"Restored from {dump.name} of {manifest.taken_at[:16]}.")
        record(
            RESTORED,
            None,
            actor=User.objects.system(),
            file=dump.name,
            sha256=manifest.sha256,
            taken_at=manifest.taken_at,
            previous_checkpoint=size,
        )
    result.origin, result.began_at_size = origin.name, origin.began_at_size
    result.previous_size = size


def _last_known(manifest: Manifest) -> tuple[int, str]:
    """The largest that the folder outside, the manifest or the rows themselves know of."""
    known = [manifest.checkpoint]
    last = Checkpoint.objects.order_by("-pk").first()
    known += [last.note] if last else []
    origin = LogOrigin.objects.order_by("-pk").first()
    published = outside.newest(origin.name) if origin else None
    known += [published.note()] if published else []
    sized = [(_size(note, origin.name if origin else ""), note) for note in known]
    return max(sized, key=lambda each: each[0], default=(0, "")) if origin else (0, "")


def _size(note: str, origin: str) -> int:
    """What a checkpoint of that log says; 0 where it is none."""
    try:
        head = notes.tree_head(notes.parse(note).text)
    except notes.NoteError:
        return 0
    return head.size if head.origin == origin else 0


def _verify(result: Restored) -> None:
    """Seal the new log's first entries, so that they are published and checked too."""
    if not private_path().exists():  # never make one here: it would not be the log's
        result.problems.append(
            f"not sealed: the signing key {private_path()} is missing; put it back from where "
            f"it is kept (a backup does not hold it)"
        )
    else:
        try:
            seal()
        except (SealRefused, KeyProblem, OSError) as error:
            result.problems.append(f"not sealed: {error}")
    try:
        result.report = verify()
    except CouldNotCheck as error:
        result.notes.append(f"the log could not be checked: {error}")


def as_dict(result: Restored) -> dict[str, Any]:
    """The form of `restore --json`."""
    return {
        "ok": bool(result.report and result.report.ok and not result.problems),
        "database": result.database,
        "rows": result.rows,
        "origin": result.origin,
        "previous_checkpoint": result.previous_size,
        "began_at_size": result.began_at_size,
        "entries_lost": result.lost,
        "outbound": "paused",
        "problems": result.problems,
        "notes": result.notes,
        "verify": result.report.as_dict() if result.report else None,
    }
