"""`manage.py seed`: load the reference data, and on request the demonstration company."""

from importlib import import_module
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.errors import DomainError

# The top floor knows what to load; the platform only names it.
REFERENCE = "fixtures.reference"
DEMO = "fixtures.demo.seeding"


class Command(BaseCommand):
    """Idempotent: what exists is left alone; changed policies are proposed as drafts."""

    help = "Load reference data (roles, policies); with --demo a demonstration company as well."

    def add_arguments(self, parser: CommandParser) -> None:
        """The one switch."""
        parser.add_argument("--demo", action="store_true", help="Also the demonstration company.")

    def handle(self, *args: Any, demo: bool = False, **options: Any) -> None:
        """Seed, and say what was refused."""
        if demo:
            try:
                import_module(DEMO).seed_demo(say=self.stdout.write)
            except DomainError as refusal:
                raise CommandError(refusal.detail) from refusal
        import_module(REFERENCE).seed_reference()
        self.stdout.write("Reference data are in place.")
