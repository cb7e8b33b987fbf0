"""`manage.py audit_verify`: is everything that was recorded still as it was?"""

import getpass
import os
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import Error

from config.audit.findings import Report
from config.audit.keys import KeyProblem
from config.audit.sealing import SealRefused, seal
from config.audit.verify import CouldNotCheck, verify
from config.embedded.account import EmbeddedError
from config.events.operations import record
from config.management.reporting import ReportingCommand
from config.organisation.models import User


class Command(ReportingCommand):
    """Exit codes: 0 good, 1 broken, 2 usage, 3 could not check."""

    help = "Check every recorded row against the sealed ledger, and name the first broken one."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--checkpoint", type=Path, help="a checkpoint kept outside, to agree with"
        )
        parser.add_argument(
            "--no-record", action="store_true", help="write nothing, not even that this was run"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        note = self._read(options["checkpoint"])
        try:
            self._seal()
            report = verify(checkpoint=note, progress=self._progress)
        except (CouldNotCheck, EmbeddedError, Error) as error:
            self.fail(self.COULD_NOT, f"Could not check: {error}".strip())
        if not options["no_record"]:
            self._record(report)
        self.answer(report.as_dict(), _lines(report))
        if not report.ok:
            raise SystemExit(self.REFUSED)

    def _read(self, path: Path | None) -> str | None:
        if path is None:
            return None
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            self.fail(self.USAGE, f"{path} can't be read as a checkpoint: {error}")

    def _seal(self) -> None:
        """Seal what waits, so that it is checked too. The check names the cause of a refusal."""
        try:
            seal()
        except (SealRefused, KeyProblem, OSError, Error) as error:
            self.stderr.write(f"Not sealed before the check: {error}".strip())

    def _record(self, report: Report) -> None:
        """That it was checked is evidence too. A check counts without it: of a copy, say."""
        if report.problems:
            # Where a trigger is gone the row would have no entry, and be the next thing broken.
            self.stderr.write("That this was run is not recorded: see the problems.")
            return
        broken = report.first_broken
        try:
            record(
                "audit.verified",
                None,
                actor=User.objects.system(),
                by=_account(),
                ok=report.ok,
                entries=report.entries,
                checkpoints=report.checkpoints,
                broken=broken.as_dict() if broken else None,
            )
        except (Error, User.DoesNotExist) as error:
            self.stderr.write(f"That this was run is not recorded: {error}".strip())

    def _progress(self, what: str, count: int) -> None:
        self.tell(f"{count:,} {what} ...")


def _account() -> str:
    """The account of the machine that ran it, which is all that a command knows of the person."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


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
