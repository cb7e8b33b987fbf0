"""`manage.py verify_export FILE`: is this export pack as it was written, and ours?"""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from config.audit import keys, succession
from config.audit.pack_check import check_pack
from config.audit.verify_pack_template import Result
from config.management.reporting import ReportingCommand


class Command(ReportingCommand):
    """Exit codes: 0 good, 1 broken, 2 usage, 3 could not check. Needs no database."""

    help = "Check every file of an export pack, its signature and its proofs."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, metavar="FILE", help="the zip")
        parser.add_argument(
            "--key", type=Path, help="the public key (PEM); else this installation's"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if not path.is_file():
            self.fail(self.USAGE, f"{path} is no file.")
        result = check_pack(path, self._trusted(options["key"]))
        self.answer(_as_dict(result), _lines(path, result))
        if result.problems:
            raise SystemExit(self.REFUSED)

    def _trusted(self, path: Path | None) -> dict[bytes, int | None]:
        if path is not None and not path.is_file():
            self.fail(self.USAGE, f"{path} is no file.")
        try:
            if path is None:
                return succession.kept_signers().limits()
            return {keys.load_public(path).public_bytes_raw(): None}
        except keys.KeyProblem as error:
            self.fail(self.USAGE if path else self.COULD_NOT, f"{error} Or pass --key.")


def _as_dict(result: Result) -> dict[str, Any]:
    return {
        "ok": not result.problems,
        "problems": [{"file": bad.file, "detail": bad.text} for bad in result.problems],
        "entries": result.entries,
        "checkpoint": {"origin": result.origin, "size": result.size, "root": result.root},
        "key": result.fingerprint,
    }


def _lines(path: Path, result: Result) -> list[str]:
    if result.problems:
        return [f"BROKEN: {bad}." for bad in result.problems]
    return [
        f"Good: {path.name}, {result.entries:,} log entries under the checkpoint of "
        f"{result.origin}, size {result.size:,}.",
        f"Signed by the key with SHA-256 {result.fingerprint}.",
    ]
