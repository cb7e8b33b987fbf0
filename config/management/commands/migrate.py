"""`manage.py migrate`: Django's, as the owner role, with rights for the runtime role."""

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import connections
from psycopg import sql

from config.migrating import rendering_little


class Command(migrate.Command):
    """Migrates through the alias `owner` unless told otherwise."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        grant_defaults(options["database"])
        with rendering_little():
            super().handle(*args, **options)


def grant_defaults(alias: str) -> None:
    """Let the runtime role use what the owner will make: rows and sequences, no definitions.

    Said before the tables exist, as a default: what takes rights away afterwards (the audit's
    installation) is then never undone by the next migrate.
    """
    settings = connections[alias].settings_dict
    if settings["RUNTIME_ROLE"] == settings["USER"]:
        return
    role = sql.Identifier(settings["RUNTIME_ROLE"])
    for privileges, things in (
        ("SELECT, INSERT, UPDATE, DELETE", "TABLES"),
        ("USAGE, SELECT", "SEQUENCES"),
    ):
        statement = sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {} ON {} TO {}")
        with connections[alias].cursor() as cursor:
            cursor.execute(statement.format(sql.SQL(privileges), sql.SQL(things), role))
