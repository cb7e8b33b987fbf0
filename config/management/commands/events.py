"""`manage.py events`: every hook through which the floors speak, and what can fall due."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from config.due import jobs, operations
from config.events.operations import hooks


class Command(BaseCommand):
    """Reads the registries only."""

    help = "List handlers of events, guards, providers, timers, messages and jobs."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        found = hooks()
        due = operations.registered() | {"job": [each.name for each in jobs.jobs()]}
        if options["json"]:
            self.stdout.write(json.dumps(found | due, indent=2))
            return
        for hook, by_name in found.items():
            for name, functions in by_name.items():
                for function in functions:
                    self.stdout.write(f"{hook:<10}{name:<40}{function}")
        for hook, names in due.items():
            for name in names:
                self.stdout.write(f"{hook:<10}{name}")
