"""Pytest plugin: which checks of docs/requirements.md have a passing test (`make checks`)."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pending_checks import PENDING

REQUIREMENTS = Path(__file__).resolve().parents[1] / "docs" / "requirements.md"
CAPABILITY = re.compile(r"^#### ([A-Z]+-\d+) ")
CHECK = re.compile(r"^(\d+)\. ")


def known_checks(text: str) -> Iterator[str]:
    """Every check of the requirements, in their order: the numbered lines under **Checks**."""
    capability, listing = "", False
    for line in text.splitlines():
        if line.startswith("#"):
            heading = CAPABILITY.match(line)
            capability, listing = heading.group(1) if heading else "", False
        elif line.startswith("**"):
            listing = line.startswith("**Checks**")
        elif capability and listing and (number := CHECK.match(line)):
            yield f"{capability}.{number.group(1)}"


class Ledger:
    """Collects results: a check is shown only by tests of which every one ran and passed."""

    def __init__(self) -> None:
        self.tests: dict[str, list[str]] = defaultdict(list)
        self.unproven: set[str] = set()

    def add(self, report: pytest.TestReport) -> None:
        """Note one phase of a test; a skip or failure in any phase leaves its checks missing."""
        checks = [str(value) for name, value in report.user_properties if name == "check"]
        for check in checks:
            self.tests[check].append(report.nodeid)
            if not report.passed:
                self.unproven.add(report.nodeid)

    def lines(self, checks: list[str]) -> Iterator[str]:
        """A line per check, then the count."""
        counts: Counter[str] = Counter()
        for check in checks:
            status, line = self._line(check)
            counts[status] += 1
            yield line
        yield (
            f"{len(checks)} checks: {counts['shown']} shown, {counts['pending']} pending, "
            f"{counts['missing']} missing"
        )

    def _line(self, check: str) -> tuple[str, str]:
        tests = list(dict.fromkeys(self.tests.get(check, [])))
        if tests and self.unproven.isdisjoint(tests):
            return "shown", f"{check} {' '.join(tests)}"
        if check in PENDING:
            return "pending", f"{check} pending {PENDING[check]}"
        return "missing", f"{check} missing"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--checks", metavar="FILE", help="write a line per check of the requirements")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEDGER] = Ledger()
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Listener(config.stash[LEDGER]), "checks-listener")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Hand each test's checks to its reports, and refuse those that no requirement has."""
    known = set(known_checks(REQUIREMENTS.read_text())) if REQUIREMENTS.exists() else set()
    for item in items:
        for mark in item.iter_markers("check"):
            for check in mark.args:
                if known and check not in known:
                    raise pytest.UsageError(
                        f"{item.nodeid}: docs/requirements.md has no check {check}"
                    )
                item.user_properties.append(("check", check))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the list, if asked to and not a worker process."""
    target = session.config.getoption("--checks")
    if target is None or hasattr(session.config, "workerinput"):
        return
    if not REQUIREMENTS.exists():
        raise pytest.UsageError(f"{REQUIREMENTS} is missing: it is the list of checks")
    lines = session.config.stash[LEDGER].lines(list(known_checks(REQUIREMENTS.read_text())))
    Path(target).write_text("".join(f"{line}\n" for line in lines))


class _Listener:
    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.ledger.add(report)


LEDGER = pytest.StashKey[Ledger]()
