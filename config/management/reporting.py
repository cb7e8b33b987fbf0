"""What commands have in common that both people and programs call."""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandParser


class ReportingCommand(BaseCommand):
    """Answers in lines, or with --json in one object; shows progress only on a terminal.

    Exit codes are those of every command: 0 good, 1 refused or found broken, 2 usage, 3 could not.
    """

    REFUSED, USAGE, COULD_NOT = 1, 2, 3
    as_json = False

    def add_arguments(self, parser: CommandParser) -> None:
        """The switch for programs."""
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Know the form of the answer before anything can fail."""
        self.as_json = bool(options.get("json"))
        return super().execute(*args, **options)

    def tell(self, text: str) -> None:
        """Progress: one line, each over the one before."""
        if self.stderr.isatty():
            self.stderr.write(f"\r{text}\033[K", ending="")
            self.stderr.flush()

    def answer(self, content: Mapping[str, Any], lines: Iterable[str]) -> None:
        """The result: the object for programs, the lines for people."""
        self._erase()
        self.stdout.write(json.dumps(content) if self.as_json else "\n".join(lines))

    def fail(self, code: int, text: str) -> NoReturn:
        """End with a text that says what to do."""
        self._erase()
        if self.as_json:
            self.stdout.write(json.dumps({"ok": False, "error": text}))
        else:
            self.stderr.write(text)
        raise SystemExit(code)

    def agreed(self, question: str) -> bool:
        """Whether a person at the terminal says yes; without a terminal nobody does."""
        if self.as_json or not sys.stdin.isatty():
            return False
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")

    def _erase(self) -> None:
        if self.stderr.isatty():
            self.stderr.write("\r\033[K", ending="")
