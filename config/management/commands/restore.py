"""`manage.py restore FILE --into URL`: a backup into an empty database, outbound paused."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, NoReturn

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand
from django.db import Error

from config.backup import restoring, targets
from config.backup.manifest import Manifest
from config.backup.refusals import Refused, Unavailable
from config.backup.restoring import Restored
from config.backup.targets import Target

BROKEN, USAGE, FAILED = 1, 2, 3


class Command(BaseCommand):
    """Exit codes: 0 good, 1 refused or found broken, 2 usage, 3 could not restore or check."""

    help = "Restore a backup into an empty database. Nothing is sent until resume_outbound."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--into", metavar="DATABASE_URL", help="its owner's or a superuser's")
        where.add_argument("--embedded", action="store_true", help="the embedded server")
        parser.add_argument("--yes", action="store_true", help="restore without asking")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        as_json = options["json"]
        try:
            manifest = restoring.check_file(options["file"])
            target = targets.at(options["into"]) if options["into"] else targets.at_embedded()
            if not (options["yes"] or self._agreed(manifest, target, asking=not as_json)):
                raise Refused("Nothing was changed. Run it with --yes to restore.")
            result = restoring.restore(options["file"], manifest, target, tell=self._tell)
        except ImproperlyConfigured as error:
            self._fail(USAGE, str(error), as_json=as_json)
        except Refused as error:
            self._fail(BROKEN, str(error), as_json=as_json)
        except (Unavailable, Error, psycopg.Error, OSError) as error:
            self._fail(FAILED, f"Not restored: {error}".strip(), as_json=as_json)
        self._erase()
        self._show(result, as_json=as_json)
        if code := _status(result):
            raise SystemExit(code)

    def _agreed(self, manifest: Manifest, target: Target, *, asking: bool) -> bool:
        if not (asking and sys.stdin.isatty()):
            return False
        rows = sum(manifest.rows.values())
        self.stdout.write(f"A backup of {manifest.taken_at[:16]} UTC with {rows:,} rows.")
        answer = input(f"Restore it into {target.name}? [y/N] ")
        return answer.strip().lower() in ("y", "yes")

    def _show(self, result: Restored, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(restoring.as_dict(result)))
        else:
            self.stdout.write("\n".join(_lines(result)))

    def _tell(self, text: str) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r{text}\033[K", ending="")
            self.stderr.flush()

    def _erase(self) -> None:
        if self.stderr.isatty():
            self.stderr.write("\r\033[K", ending="")

    def _fail(self, code: int, text: str, *, as_json: bool) -> NoReturn:
        self._erase()
        if as_json:
            self.stdout.write(json.dumps({"ok": False, "error": text}))
        else:
            self.stderr.write(text)
        raise SystemExit(code)


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
        return FAILED
    return 0 if result.report.ok and not result.problems else BROKEN
