"""`manage.py run_job NAME --as-of TIME`: a background job, here and now, as of a time."""

import datetime
import json
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_date, parse_datetime

from config import clock
from config.due import jobs


def moment(text: str) -> datetime.datetime:
    """A time with or without zone (UTC), or a day's midnight."""
    try:
        found = parse_datetime(text)
        day = None if found else parse_date(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text}: {error}") from error
    if day:
        found = datetime.datetime.combine(day, datetime.time())
    if found is None:
        raise ArgumentTypeError(f"'{text}' is no time; write 2026-03-01T09:00:00Z")
    if found.tzinfo is None:
        return found.replace(tzinfo=datetime.UTC)
    return found.astimezone(datetime.UTC)


class Command(BaseCommand):
    """Exit 0: done. 2: no such job; the names are listed."""

    help = "Run one background job now, as of a time (default: now)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="one of: " + ", ".join(each.name for each in jobs.jobs()))
        parser.add_argument("--as-of", type=moment, metavar="TIME", help="ISO 8601, UTC if unsaid")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        as_of = options["as_of"] or clock.now()
        try:
            result = jobs.run(options["name"], as_of)
        except jobs.UnknownJob as error:
            raise CommandError(str(error), returncode=2) from error
        answer = {"job": options["name"], "as_of": as_of.isoformat(), "result": result}
        if options["json"]:
            self.stdout.write(json.dumps(answer, default=str))
        else:
            self.stdout.write(f"{answer['job']} as of {answer['as_of']}: {result or 'done'}")
