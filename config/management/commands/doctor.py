"""`manage.py doctor [--json]`: what is wrong with this installation, and what to do about it."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config import doctor, doctor_database, doctor_evidence, doctor_machine, doctor_service

# They register their checks.
__all__ = ["doctor_database", "doctor_evidence", "doctor_machine", "doctor_service"]

MARKS = {True: "ok     ", False: "BROKEN ", None: "unknown"}


class Command(BaseCommand):
    """Exit status: 0 all good, 1 something is broken, 3 something could not be checked."""

    help = "Check this installation. Exit 0: good, 1: broken, 3: could not check."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        found = dict(doctor.examine())
        if options["json"]:
            content = {
                name: {"ok": each.ok, "detail": each.detail, "remedy": each.remedy}
                for name, each in found.items()
            }
            self.stdout.write(json.dumps({"ok": status(found) == 0, "checks": content}, indent=2))
        else:
            for name, each in found.items():
                self.stdout.write(f"{MARKS[each.ok]}  {name:<15} {each.detail}")
                if each.remedy:
                    self.stdout.write(f"{'':<9}{'':<15} -> {each.remedy}")
        if code := status(found):
            sys.exit(code)


def status(found: dict[str, doctor.Result]) -> int:
    """The exit status: what is broken weighs more than what could not be checked."""
    answers = {each.ok for each in found.values()}
    return 1 if False in answers else 3 if None in answers else 0
