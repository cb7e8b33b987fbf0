"""`manage.py audit_verify`: is everything that was recorded still as it was?"""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand
from django.db import Error

from config.audit.findings import Report
from config.audit.keys import KeyProblem
from config.audit.sealing import SealRefused, seal
from config.audit.verify import CouldNotCheck, verify
from config.embedded.account import EmbeddedError

BROKEN, USAGE, UNCHECKED = 1, 2, 3


class Command(BaseCommand):
    """Exit codes: 0 good, 1 broken, 2 usage, 3 could not check."""

    help = "Check every recorded row against the sealed ledger, and name the first broken one."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--checkpoint", type=Path, help="a checkpoint kept outside, to agree with"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        note = self._read(options["checkpoint"])
        try:
            self._seal()
            report = verify(checkpoint=note, progress=self._progress)
        except (CouldNotCheck, EmbeddedError, Error) as error:
            self._fail(UNCHECKED, f"Could not check: {error}".strip(), as_json=options["json"])
        self._erase_progress()
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict()))
        else:
            self.stdout.write("\n".join(_lines(report)))
        if not report.ok:
            raise SystemExit(BROKEN)

    def _read(self, path: Path | None) -> str | None:
        if path is None:
            return None
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            self._fail(USAGE, f"{path} can't be read as a checkpoint: {error}", as_json=False)

    def _seal(self) -> None:
        """Seal what waits, so that it is checked too. The check names the cause of a refusal."""
        try:
            seal()
        except (SealRefused, KeyProblem, OSError, Error) as error:
            self.stderr.write(f"Not sealed before the check: {error}".strip())

    def _progress(self, what: str, count: int) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r{count:,} {what} ...\033[K", ending="")
            self.stderr.flush()

    def _erase_progress(self) -> None:
        if self.stderr.isatty():
            self.stderr.write("\r\033[K", ending="")

    def _fail(self, code: int, text: str, *, as_json: bool) -> NoReturn:
        self._erase_progress()
        if as_json:
            self.stdout.write(json.dumps({"ok": False, "error": text}))
        else:
            self.stderr.write(text)
        raise SystemExit(code)


def _lines(report: Report) -> list[str]:
    counted = (
        f"{report.entries:,} entries, {report.leaves:,} leaves, {report.checkpoints:,} checkpoints"
    )
    lines = [f"Log {report.origin or '(nothing sealed yet)'}: {counted}."]
    if found := report.first_broken:
        where = f"{found.table} {found.key}"
        places = [("entry", found.seq), ("leaf", found.leaf)]
        known = ", ".join(f"{name} {value}" for name, value in places if value is not None)
        lines.append(
            f"BROKEN: {found.kind}: {where}{f' ({known})' if known else ''}: {found.detail}."
        )
    lines += [f"PROBLEM: {problem}." for problem in report.problems]
    lines += [f"Note: {warning}." for warning in report.warnings]
    if report.ok:
        lines.append(f"Good. Root {report.root}.")
    return lines
