"""`manage.py restore FILE --into URL`: a backup into an empty database, outbound paused."""

from pathlib import Path
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandParser
from django.db import Error

from config.backup import restoring, targets
from config.backup.manifest import Manifest
from config.backup.refusals import Refused, Unavailable
from config.backup.restoring import Restored
from config.backup.targets import Target
from config.management.reporting import ReportingCommand


class Command(ReportingCommand):
    """Exit codes: 0 good, 1 refused or found broken, 2 usage, 3 could not restore or check."""

    help = "Restore a backup into an empty database. Nothing is sent until resume_outbound."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, metavar="FILE")
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--into", metavar="DATABASE_URL", help="its owner's or a superuser's")
        where.add_argument("--embedded", action="store_true", help="the embedded server")
        parser.add_argument("--yes", action="store_true", help="restore without asking")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            manifest = restoring.check_file(options["file"])
            target = targets.at(options["into"]) if options["into"] else targets.at_embedded()
            if not (options["yes"] or self._agreed(manifest, target)):
                raise Refused("Nothing was changed. Run it with --yes to restore.")
            result = restoring.restore(options["file"], manifest, target, tell=self.tell)
        except ImproperlyConfigured as error:
            self.fail(self.USAGE, str(error))
        except Refused as error:
            self.fail(self.REFUSED, str(error))
        except (Unavailable, Error, psycopg.Error, OSError) as error:
            self.fail(self.COULD_NOT, f"Not restored: {error}".strip())
        self.answer(restoring.as_dict(result), _lines(result))
        if code := _status(result):
            raise SystemExit(code)

    def _agreed(self, manifest: Manifest, target: Target) -> bool:
        rows = sum(manifest.rows.values())
        return self.agreed(
            f"A backup of {manifest.taken_at[:16]} UTC with {rows:,} rows. Restore it into "
            f"{target.name}?"
        )


def _lines(result: Restored) -> list[str]:
    lines = [
        f"Restored {result.rows:,} rows into {result.database}.",
        f"The new log {result.origin} goes on from {result.began_at_size:,} leaves; the last "
        f"known checkpoint had {result.previous_size:,}.",
    ]
    if result.lost:
        lines.append(f"Lost since the backup: {result.lost:,} sealed entries.")
    lines += [f"PROBLEM: {problem}." for problem in result.problems]
    lines += [f"Note: {note}." for note in result.notes]
    if result.report is not None:
        found = result.report.first_broken
        lines += [f"PROBLEM: {problem}." for problem in result.report.problems]
        lines.append(
            f"BROKEN: {found.kind}: {found.table} {found.key}: {found.detail}."
            if found
            else f"Verified: {result.report.entries:,} entries, root {result.report.root}."
        )
    lines.append(
        "Outbound messages are paused: point DATABASE_URL and DATABASE_OWNER_URL here, look at "
        "what waits, and run manage.py resume_outbound."
    )
    return lines


def _status(result: Restored) -> int:
    if result.report is None:
        return ReportingCommand.COULD_NOT
    return 0 if result.report.ok and not result.problems else ReportingCommand.REFUSED
