"""`manage.py pg start|stop|status|url`: the embedded PostgreSQL, by hand."""

import json
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import embedded
from config.embedded.place import TESTS, homes


class Command(BaseCommand):
    """Speaks to the embedded server only; one that DATABASE_URL names is not ours to stop."""

    help = "Start, stop or show the embedded PostgreSQL."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["start", "stop", "status", "url"])
        parser.add_argument("--tests", action="store_true", help="the server that tests use")
        parser.add_argument("--owner", action="store_true", help="url: as the owner role")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, action: str, tests: bool, **options: Any) -> None:
        where = homes(os.environ, TESTS if tests else "pg")
        try:
            if action == "stop":
                stopped = embedded.stop(where)
                cluster, text = None, "stopped" if stopped else "was not running"
            else:
                cluster = embedded.find(where) if action == "status" else embedded.ensure(where)
                text = (
                    f"runs in {cluster.pgdata}, process {cluster.pid}" if cluster else "is stopped"
                )
        except embedded.EmbeddedError as error:
            raise CommandError(str(error), returncode=3) from error
        if action == "url" and cluster is not None:
            text = cluster.owner_url if options["owner"] else cluster.runtime_url
        if options["json"]:
            text = json.dumps({"running": cluster is not None, "pid": cluster and cluster.pid})
        self.stdout.write(text if action == "url" or options["json"] else f"PostgreSQL {text}")
