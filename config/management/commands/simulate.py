"""`manage.py simulate storm | policy`: a load that one chooses; a draft tried on the past."""

from argparse import SUPPRESS, ArgumentTypeError
from importlib import import_module
from typing import Any

from django.core.management.base import CommandParser
from django.db import Error

from config.embedded.account import EmbeddedError
from config.errors import DomainError, Refused
from config.governance.backtest import USUAL, judge
from config.governance.drafts import place_of
from config.governance.in_force import UnknownKind, version_model
from config.management.reporting import ReportingCommand
from config.organisation.models import BusinessUnit

# The top floor knows what a storm is; the platform only names it.
STORM = "fixtures.simulations.storm"
KINDS = ("duplicate", "flap", "multi-service")
MOST = 100_000


class Command(ReportingCommand):
    """Exit codes: 0 all was taken and processed, 1 refused or broken, 2 usage, 3 nobody answers."""

    help = (
        "Simulate: `storm` sends many alerts through the real door and reports what followed; "
        "`policy` decides past records again by a draft, and keeps nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Two sub-commands; the storm's defaults suit a demonstration on a small machine."""
        super().add_arguments(parser)
        kinds = parser.add_subparsers(dest="what", required=True, metavar="storm | policy")
        policy = kinds.add_parser("policy", help="what a version would have decided")
        policy.add_argument("kind", help="such as severity_table")
        policy.add_argument("key", help="such as default")
        policy.add_argument("--unit", default="", help="key of a unit; else the enterprise's")
        policy.add_argument("--version", type=_count, help="its number; else the newest", dest="no")
        policy.add_argument("--last", type=_count, default=USUAL, help=f"records ({USUAL:,})")
        policy.add_argument("--json", action="store_true", default=SUPPRESS)
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
        """Simulate, and report."""
        if options["what"] == "policy":
            self._try_policy(**options)
            return
        self._storm(**options)

    def _try_policy(self, **options: Any) -> None:
        try:
            version = _version(options["kind"], options["key"], options["unit"], options["no"])
            found = judge(version, last=options["last"])
        except UnknownKind as error:
            self.fail(self.USAGE, f"There is no kind of policy '{error}'.")
        except DomainError as refusal:
            self.fail(self.REFUSED, refusal.detail)
        changed = [row for row in found.outcomes if row["was"] != row["would"]]
        report = {
            "ok": True,
            "version": version.number,
            "against": found.against.number,
            "looked_at": found.looked_at,
            "differing": found.differing,
            "changes": changed,
        }
        lines = [
            f"v{version.number} against v{found.against.number}: {found.differing:,} of "
            f"{found.looked_at:,} {found.noun} would have been decided otherwise.",
            *(f"  {row['was']} -> {row['would']}: {row['count']:,}" for row in changed),
        ]
        self.answer(report, lines)

    def _storm(self, **options: Any) -> None:
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


def _version(kind: str, key: str, unit: str, number: int | None) -> Any:
    """The version of that number, else the newest; raises `UnknownKind` and `NotFound`."""
    rows = version_model(kind)._base_manager.filter(
        policy__kind=kind, policy__key=key, policy__unit=place_of(_unit(unit))
    )
    rows = rows if number is None else rows.filter(number=number)
    found = rows.order_by("-number").first()
    if found is None:
        raise Refused(f"There is no such version of {kind} {key}.")
    return found


def _unit(key: str) -> BusinessUnit | None:
    if not key:
        return None
    found = BusinessUnit.objects.filter(key=key).first()
    if found is None:
        raise Refused(f"There is no unit '{key}'.")
    return found


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
