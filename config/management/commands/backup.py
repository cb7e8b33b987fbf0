"""`manage.py backup --out FILE`: the whole database as one file, sealed first."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import Error

from config.backup.backing_up import Backup, back_up
from config.backup.manifest import manifest_path
from config.backup.refusals import Refused, Unavailable
from config.embedded import EmbeddedError
from config.management.reporting import ReportingCommand


class Command(ReportingCommand):
    """Exit codes: 0 good, 1 refused, or written but not sealed, 2 usage, 3 could not."""

    help = "Back the database up to FILE, with a manifest beside it as FILE.json."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--out", type=Path, required=True, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            taken = back_up(options["out"].absolute(), tell=self.tell)
        except Refused as error:
            self.fail(self.REFUSED, str(error))
        except (Unavailable, EmbeddedError, Error, OSError) as error:
            self.fail(self.COULD_NOT, f"No backup was taken: {error}".strip())
        self.answer(_as_dict(taken), _lines(taken))
        if taken.complaint:
            if not self.as_json:
                self.stderr.write(f"{taken.complaint} Run manage.py audit_verify.")
            raise SystemExit(self.REFUSED)


def _as_dict(taken: Backup) -> dict[str, Any]:
    manifest = taken.manifest
    return {
        "ok": not taken.complaint,
        "file": str(taken.path),
        "manifest": str(manifest_path(taken.path)),
        "bytes": manifest.bytes,
        "sha256": manifest.sha256,
        "checkpoint": manifest.checkpoint_size,
        "error": taken.complaint,
    }


def _lines(taken: Backup) -> list[str]:
    manifest = taken.manifest
    return [
        f"{taken.path}: {manifest.bytes:,} bytes, {sum(manifest.rows.values()):,} rows, log sealed "
        f"to {manifest.checkpoint_size:,}.",
        f"SHA-256 {manifest.sha256}",
        f"Keep it with {manifest_path(taken.path).name}, and the keys apart from it.",
    ]
