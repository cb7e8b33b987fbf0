"""`manage.py resume_outbound`: shows what waits to leave the house, and lets it."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.due import installation
from config.organisation.models import User


class Command(BaseCommand):
    """Exit 0: messages go again. 1: nothing was changed, as nobody agreed."""

    help = "List the messages that wait, and resume sending after a restore or a long silence."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--yes", action="store_true", help="resume without asking")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        waiting = installation.waiting()
        if not options["json"]:
            self._show(waiting)
        if not (options["yes"] or self._agreed(asking=not options["json"])):
            if options["json"]:
                self.stdout.write(json.dumps({"resumed": False, **waiting}))
            raise CommandError("Nothing was changed. Run it with --yes to let these messages go.")
        was_paused = installation.resume(
            actor=User.objects.system(), reason="manage.py resume_outbound"
        )
        if options["json"]:
            self.stdout.write(json.dumps({"resumed": was_paused, **waiting}))
        else:
            self.stdout.write("Sending again." if was_paused else "Sending was not paused.")

    def _show(self, waiting: dict[str, Any]) -> None:
        self.stdout.write(f"{waiting['count']} messages are due, the oldest {waiting['oldest']}.")
        for heading in ("purposes", "addresses"):
            for name, count in waiting[heading].items():
                self.stdout.write(f"  {count:>6}  {name}")
        if waiting["more_addresses"]:
            self.stdout.write(f"          and {waiting['more_addresses']} more addresses")

    def _agreed(self, *, asking: bool) -> bool:
        if not (asking and sys.stdin.isatty()):
            return False
        return input("Let them go? [y/N] ").strip().lower() in ("y", "yes")
