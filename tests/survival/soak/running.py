"""The soak: an installation of real processes under load, with everything going wrong.

    python -m tests.survival --minutes 60 [--seed 1]

Rounds of a storm of alerts with kills, hangs, wrong clocks, cut connections and bad providers, each
followed by the reckoning: nothing lost, nothing wrong, the ledger verified. Memory, open files and
tables are watched for growth. The report goes to standard output and var/soak.json; logs stay in
var/soak. Exit status 1 as soon as a round found anything wrong, or something grew. The seed chooses
the order of the troubles. What reads strangers' bytes is fuzzed by tests/fuzzing.
"""

import argparse
import logging
import os
import signal
import sys
import time
import traceback

import pytest

from tests.survival.soak.installation import STEADY, Installation, installed, processes
from tests.survival.soak.report import Report
from tests.survival.soak.rounds import play
from tests.survival.soak.watch import Watch

LONGEST_STORM = 120.0
AFTERWARDS = 1.5  # a round's time for each second of its storm, roughly: the reckoning


def main() -> int:
    """Rounds until the time is over; the report, and 0 when all was well."""
    parser = argparse.ArgumentParser(
        prog="tests.survival",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if os.environ.get("DATABASE_URL"):
        say("The soak kills its server, so it needs an embedded one: unset DATABASE_URL.")
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # everything is ended then, too
    logging.disable(logging.INFO)  # the mail server of the harness tells every line
    report = Report(options.seed)
    with installed(options.seed) as installation:
        with Watch(lambda: processes(installation)) as watch:
            run(installation, report, watch, 60 * options.minutes)
        report.faults += watch.growth(STEADY)
        say(report.text(watch))
        report.write(watch)
    return 0 if report.is_clean else 1


def run(installation: Installation, report: Report, watch: Watch, seconds: float) -> None:
    """Round after round, until something is wrong or the time is over."""
    end = time.monotonic() + seconds
    storm = min(LONGEST_STORM, seconds / 2 / AFTERWARDS)  # at least two rounds
    number = 1
    while report.is_clean and (number == 1 or time.monotonic() + storm * AFTERWARDS < end):
        try:
            done = play(installation, number, storm)
        except (Exception, pytest.fail.Exception):
            report.faults.append(
                f"round {number} did not come to its end: {traceback.format_exc()}"
            )
            return
        report.rounds.append(done)
        watch.measure_tables()
        say(report.line(done))
        number += 1


def say(text: str) -> None:
    """At once, though it be piped."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
