"""`manage.py verify_export FILE`: is this export pack as it was written, and ours?"""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand

from config.audit import keys
from config.audit.pack_check import check_pack
from config.audit.verify_pack_template import Result

BROKEN, USAGE, UNCHECKED = 1, 2, 3


class Command(BaseCommand):
    """Exit codes: 0 good, 1 broken, 2 usage, 3 could not check. Needs no database."""

    help = "Check every file of an export pack, its signature and its proofs."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="the zip")
        parser.add_argument(
            "--key", type=Path, help="the public key (PEM); else this installation's"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if not path.is_file():
            self._fail(USAGE, f"{path} is no file.", as_json=options["json"])
        result = check_pack(path, self._trusted(options["key"], as_json=options["json"]))
        if options["json"]:
            self.stdout.write(json.dumps(_as_dict(result)))
        else:
            self.stdout.write("\n".join(_lines(path, result)))
        if result.problems:
            raise SystemExit(BROKEN)

    def _trusted(self, path: Path | None, *, as_json: bool) -> list[bytes]:
        if path is not None and not path.is_file():
            self._fail(USAGE, f"{path} is no file.", as_json=as_json)
        try:
            known = [keys.load_public(path)] if path else keys.own_keys()
        except keys.KeyProblem as error:
            self._fail(USAGE if path else UNCHECKED, f"{error} Or pass --key.", as_json=as_json)
        return [key.public_bytes_raw() for key in known]

    def _fail(self, code: int, text: str, *, as_json: bool) -> NoReturn:
        if as_json:
            self.stdout.write(json.dumps({"ok": False, "error": text}))
        else:
            self.stderr.write(text)
        raise SystemExit(code)


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
