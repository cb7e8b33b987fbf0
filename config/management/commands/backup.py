"""`manage.py backup --out FILE`: the whole database as one file, sealed first."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand
from django.db import Error

from config.backup.backing_up import Backup, back_up
from config.backup.manifest import manifest_path
from config.backup.refusals import Refused, Unavailable
from config.embedded import EmbeddedError

REFUSED, FAILED = 1, 3


class Command(BaseCommand):
    """Exit codes: 0 good, 1 refused, or written but not sealed, 2 usage, 3 could not."""

    help = "Back the database up to FILE, with a manifest beside it as FILE.json."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", type=Path, required=True, metavar="FILE")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            taken = back_up(options["out"].absolute(), tell=self._tell)
        except Refused as error:
            self._fail(REFUSED, str(error), as_json=options["json"])
        except (Unavailable, EmbeddedError, Error, OSError) as error:
            self._fail(FAILED, f"No backup was taken: {error}".strip(), as_json=options["json"])
        self._erase()
        self._show(taken, as_json=options["json"])
        if taken.complaint:
            raise SystemExit(REFUSED)

    def _show(self, taken: Backup, *, as_json: bool) -> None:
        manifest = taken.manifest
        if as_json:
            content = {
                "ok": not taken.complaint,
                "file": str(taken.path),
                "manifest": str(manifest_path(taken.path)),
                "bytes": manifest.bytes,
                "sha256": manifest.sha256,
                "checkpoint": manifest.checkpoint_size,
                "error": taken.complaint,
            }
            self.stdout.write(json.dumps(content))
            return
        self.stdout.write(
            f"{taken.path}: {manifest.bytes:,} bytes, {sum(manifest.rows.values()):,} rows, log "
            f"sealed to {manifest.checkpoint_size:,}.\nSHA-256 {manifest.sha256}\nKeep it with "
            f"{manifest_path(taken.path).name}, and the keys apart from it."
        )
        if taken.complaint:
            self.stderr.write(f"{taken.complaint} Run manage.py audit_verify.")

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
