"""`manage.py simulate storm`: put a demonstration under a load that one chooses."""

from argparse import SUPPRESS, ArgumentTypeError
from importlib import import_module
from typing import Any

from django.core.management.base import CommandParser
from django.db import Error

from config.embedded.account import EmbeddedError
from config.errors import DomainError
from config.management.reporting import ReportingCommand

# The top floor knows what a storm is; the platform only names it.
STORM = "fixtures.simulations.storm"
KINDS = ("duplicate", "flap", "multi-service")
MOST = 100_000


class Command(ReportingCommand):
    """Exit codes: 0 all was taken and processed, 1 refused or broken, 2 usage, 3 nobody answers."""

    help = "Simulate: `storm` sends many alerts through the real door and reports what followed."

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command; its defaults suit a demonstration on a small machine."""
        super().add_arguments(parser)
        kinds = parser.add_subparsers(dest="what", required=True, metavar="storm")
        storm = kinds.add_parser("storm", help="many alerts in a short time")
        storm.add_argument("--alerts", type=_count, default=500, help="how many (500)")
        storm.add_argument(
            "--keys", type=_count, default=50, help="over how many fingerprints (50)"
        )
        storm.add_argument("--rate", type=_rate, default=50.0, help="alerts a second (50)")
        storm.add_argument("--kind", action="append", choices=KINDS, help="repeat it; default: all")
        storm.add_argument("--seed", type=int, default=1, help="the same seed, the same storm (1)")
        storm.add_argument(
            "--wait", type=_rate, default=120.0, help="seconds for what follows (120)"
        )
        storm.add_argument("--url", default="", help="of the installation; else var/demo.json says")
        storm.add_argument("--token", default="", help="of a generic source in this database")
        storm.add_argument("--i-know-this-pages-people", action="store_true", dest="on_real_data")
        storm.add_argument("--json", action="store_true", default=SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        """Send, wait, report."""
        simulation: Any = import_module(STORM)
        order = simulation.Order(
            alerts=options["alerts"],
            keys=options["keys"],
            a_second=options["rate"],
            kinds=[simulation.Kind(each) for each in options["kind"] or KINDS],
            seed=options["seed"],
            wait=options["wait"],
            url=options["url"],
            token=options["token"],
            on_real_data=options["on_real_data"],
        )
        try:
            report = simulation.run(order, self.tell)
        except DomainError as refusal:
            self.fail(self.REFUSED, refusal.detail)
        except (simulation.NothingRuns, EmbeddedError, Error) as error:
            self.fail(self.COULD_NOT, str(error).strip())
        self.answer(report, simulation.lines_of(report))
        if not report["ok"]:
            raise SystemExit(self.REFUSED)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MOST:
        raise ArgumentTypeError(f"give a whole number from 1 to {MOST:,}")
    return int(text)


def _rate(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= MOST:
        raise ArgumentTypeError(f"give a number above 0, at most {MOST:,}")
    return number
